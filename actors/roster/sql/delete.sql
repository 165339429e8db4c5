-- A campaign with all that hangs on it, in one statement, at whose end its foreign keys are checked: tasks and calls
-- refer to each other. Its holds, history and lease go with it.
WITH its_calls AS MATERIALIZED (
    SELECT id FROM calls WHERE campaign_id = %(campaign)s
),
recordings_gone AS (
    DELETE FROM recordings WHERE call_id IN (SELECT id FROM its_calls) RETURNING 1
),
receipts_gone AS (
    DELETE FROM receipts WHERE call_id IN (SELECT id FROM its_calls) RETURNING 1
),
calls_gone AS (
    DELETE FROM calls WHERE campaign_id = %(campaign)s RETURNING 1
),
tasks_gone AS (
    DELETE FROM call_tasks WHERE campaign_id = %(campaign)s RETURNING 1
),
jobs_kept AS (
    UPDATE background_jobs SET campaign_id = NULL WHERE campaign_id = %(campaign)s
),
campaign_gone AS (
    DELETE FROM campaigns WHERE id = %(campaign)s
)
SELECT (SELECT count(*) FROM tasks_gone) AS tasks,
       (SELECT count(*) FROM calls_gone) AS calls,
       (SELECT count(*) FROM recordings_gone) AS recordings,
       (SELECT count(*) FROM receipts_gone) AS receipts
