-- The oldest recording whose transcript is due, or whose transcriber has died with its supervisor.
UPDATE recordings r
SET transcript_state = 'running', transcript_by = %(supervisor)s, transcript_attempts = transcript_attempts + 1,
    next_attempt_at = NULL, updated_at = %(now)s
FROM (
    SELECT id FROM recordings
    WHERE (transcript_state = 'pending' AND coalesce(next_attempt_at <= %(now)s, true))
       OR (transcript_state = 'running' AND id <> ALL(%(busy)s)
           AND (transcript_by = %(supervisor)s OR supervisor_is_gone(transcript_by)))
    ORDER BY created_at, id LIMIT 1 FOR UPDATE SKIP LOCKED
) next, calls c
WHERE r.id = next.id AND c.id = r.call_id
RETURNING r.id AS recording_id, r.call_id, r.company_id, c.campaign_id, r.transcript_attempts AS attempt
