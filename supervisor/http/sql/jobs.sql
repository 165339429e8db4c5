-- A part of a campaign's call tasks, in the order of its list.
SELECT id, status, phone_number, contact_name, contact_data, priority, attempt_count, max_attempts, last_attempt_at,
       next_attempt_at, call_id, outcome, error_message, created_at, updated_at
FROM call_tasks
WHERE campaign_id = %(campaign)s AND (%(status)s::text IS NULL OR status = %(status)s::text)
ORDER BY created_at, id
LIMIT %(limit)s OFFSET %(offset)s
