-- Recordings that are still expected and have not been looked for of late, each for one supervisor. `over`: the call is,
-- and LiveKit is to be asked what became of its recording. `unasked`: the call is up and, as far as is known, is not
-- being recorded.
UPDATE recordings r SET next_attempt_at = %(next)s
FROM (
    SELECT id FROM recordings WHERE state = 'expected' AND next_attempt_at <= %(now)s
    ORDER BY next_attempt_at LIMIT %(most)s FOR UPDATE SKIP LOCKED
) due, calls c
WHERE r.id = due.id AND c.id = r.call_id
RETURNING r.call_id, c.state IN ('ended', 'given_back') AS over, r.egress_id IS NULL AND c.state = 'answered' AS unasked
