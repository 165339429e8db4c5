-- Empties the tasks of these numbers in all campaigns of the company; those that were still to be called are failed and
-- counted. A task that is being called, or is locked by its campaign at this moment, is not waited for: it is marked, so
-- that it is not tried again, and its number has to be looked at later. If its call is given back by then, the campaign
-- has failed and counted it as cancelled (give_back.sql). The numbers that have to wait are the answer.
WITH matching AS MATERIALIZED (
    SELECT t.id, t.phone_number
    FROM campaigns c JOIN call_tasks t ON t.campaign_id = c.id
    WHERE c.company_id = %(company)s AND t.phone_number = ANY(%(numbers)s)
), locked AS MATERIALIZED (
    SELECT t.id, t.status, t.campaign_id, t.status IN ('pending', 'retry') AS open,
           t.status IN ('pending', 'retry') OR t.outcome = 'cancelled' AS cancelled
    FROM call_tasks t
    WHERE t.id IN (SELECT id FROM matching)
    FOR NO KEY UPDATE SKIP LOCKED
), marked AS (
    UPDATE call_tasks t SET withdrawn = true
    FROM locked l WHERE t.id = l.id AND l.status = 'in_progress' AND NOT t.withdrawn
), erased AS (
    UPDATE call_tasks t
    SET phone_number = 'erased-' || t.id, contact_name = NULL, contact_data = '{}', due = false, withdrawn = true,
        next_attempt_at = NULL, updated_at = %(now)s,
        error_message = CASE WHEN l.cancelled THEN 'Cancelled: the contact was erased' END,
        outcome = CASE WHEN l.cancelled THEN 'cancelled' ELSE t.outcome END,
        status = CASE WHEN l.open THEN 'failed' ELSE t.status END
    FROM locked l WHERE t.id = l.id AND l.status <> 'in_progress'
    RETURNING l.campaign_id, l.open, l.cancelled
), counted AS (
    UPDATE campaigns c SET failed_tasks = failed_tasks + e.failed
    FROM (SELECT campaign_id, count(*) AS failed FROM erased WHERE open GROUP BY campaign_id) e
    WHERE c.id = e.campaign_id
)
SELECT
    ARRAY(SELECT DISTINCT m.phone_number FROM matching m LEFT JOIN locked l USING (id)
          WHERE l.id IS NULL OR l.status = 'in_progress') AS waiting,
    (SELECT count(*) FROM erased) AS erased,
    (SELECT count(*) FROM erased WHERE cancelled) AS cancelled
