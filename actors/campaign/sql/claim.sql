-- Claims up to as many tasks as there are ids, highest priority first, then oldest: the attempt is counted and its
-- call exists, under the id that will name its room, before anything is dialed. Claims nothing of a campaign that is
-- not running. A row locked by someone else is passed over.
WITH chosen AS MATERIALIZED (
    SELECT t.id FROM call_tasks t
    WHERE t.campaign_id = %(campaign)s AND t.due AND t.status IN ('pending', 'retry')
      AND EXISTS (SELECT FROM campaigns c WHERE c.id = %(campaign)s AND c.status = 'running')
    ORDER BY (-t.priority), t.created_at
    LIMIT cardinality(%(call_ids)s::uuid[])
    FOR UPDATE OF t SKIP LOCKED
), claimed AS (
    UPDATE call_tasks t
    SET status = 'in_progress', due = false, attempt_count = attempt_count + 1,
        last_attempt_at = %(now)s, next_attempt_at = NULL, updated_at = %(now)s
    FROM chosen WHERE t.id = chosen.id
    RETURNING t.*
), numbered AS (
    SELECT *, row_number() OVER (ORDER BY (-priority), created_at) AS place FROM claimed
), attempts AS (
    INSERT INTO calls (id, task_id, campaign_id, company_id, trunk, phone_number, attempt, claimed_at)
    SELECT (%(call_ids)s::uuid[])[place], id, %(campaign)s, %(company)s, %(trunk)s, phone_number, attempt_count,
           %(now)s
    FROM numbered
)
SELECT (%(call_ids)s::uuid[])[place] AS call_id, id AS task_id, phone_number, contact_name, contact_data,
       attempt_count AS attempt, max_attempts
FROM numbered ORDER BY place
