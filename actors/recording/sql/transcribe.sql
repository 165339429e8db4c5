-- The oldest recording whose transcript is due, or whose transcriber has died with its supervisor. If that was in its last
-- attempt, it may have been what they died of: it has failed, and comes back as such.
UPDATE recordings r
SET transcript_state = CASE WHEN next.last THEN 'failed' ELSE 'running' END,
    transcript_by = CASE WHEN next.last THEN NULL ELSE %(supervisor)s END,
    transcript_error = CASE WHEN next.last THEN %(died)s ELSE r.transcript_error END,
    transcript_attempts = transcript_attempts + CASE WHEN next.last THEN 0 ELSE 1 END,
    next_attempt_at = NULL, updated_at = %(now)s
FROM (
    SELECT id, transcript_attempts >= %(most)s AS last FROM recordings
    WHERE (transcript_state = 'pending' AND coalesce(next_attempt_at <= %(now)s, true))
       OR (transcript_state = 'running' AND (transcript_by = %(supervisor)s OR supervisor_is_gone(transcript_by)))
    ORDER BY created_at, id LIMIT 1 FOR UPDATE SKIP LOCKED
) next, calls c
WHERE r.id = next.id AND c.id = r.call_id
RETURNING r.id AS recording_id, r.call_id, r.company_id, c.campaign_id, r.transcript_attempts AS attempt,
          next.last AS failed
