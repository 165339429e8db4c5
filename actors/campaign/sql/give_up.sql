-- These contacts can never be called: their window and the campaign's have no minute in common.
WITH given_up AS (
    UPDATE call_tasks
    SET status = 'failed', due = false, next_attempt_at = NULL, updated_at = %(now)s,
        error_message = 'The campaign''s window is never open at this number''s place'
    WHERE id = ANY(%(task_ids)s) AND status IN ('pending', 'retry')
    RETURNING id
)
UPDATE campaigns SET failed_tasks = failed_tasks + (SELECT count(*) FROM given_up) WHERE id = %(campaign)s
