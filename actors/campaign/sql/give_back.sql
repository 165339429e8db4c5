-- Calls that were claimed and never dialed: the attempt does not count, and the task may be claimed again at once. One
-- whose contact is to be erased is not: it has failed, as erase_tasks.sql would have it, for the erasure may not go on.
WITH given_back AS (
    UPDATE calls SET state = 'given_back', counts = false
    WHERE id = ANY(%(call_ids)s) AND state = 'claimed'
      AND EXISTS (SELECT FROM campaign_leases WHERE campaign_id = %(campaign)s AND epoch = %(epoch)s
                  FOR SHARE)
    RETURNING id, task_id
), decided AS (
    UPDATE call_tasks t
    SET status = CASE WHEN withdrawn THEN 'failed' WHEN attempt_count > 1 THEN 'retry' ELSE 'pending' END,
        due = NOT withdrawn, attempt_count = attempt_count - 1, updated_at = %(now)s,
        next_attempt_at = CASE WHEN attempt_count > 1 AND NOT withdrawn THEN %(now)s END,
        outcome = CASE WHEN withdrawn THEN 'cancelled' ELSE outcome END,
        error_message = CASE WHEN withdrawn THEN 'Cancelled: the contact was erased' ELSE error_message END,
        call_id = (SELECT id FROM calls c WHERE c.campaign_id = t.campaign_id AND c.task_id = t.id AND c.state = 'ended'
                   ORDER BY claimed_at DESC LIMIT 1),
        last_attempt_at = (SELECT max(claimed_at) FROM calls c
                           WHERE c.campaign_id = t.campaign_id AND c.task_id = t.id AND c.counts AND c.id <> g.id)
    FROM given_back g
    WHERE t.id = g.task_id AND (t.status = 'in_progress') IS TRUE
    RETURNING t.status
)
UPDATE campaigns SET failed_tasks = failed_tasks + (SELECT count(*) FROM decided WHERE status = 'failed')
WHERE id = %(campaign)s AND EXISTS (SELECT FROM decided WHERE status = 'failed')
