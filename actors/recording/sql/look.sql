-- Recordings that are still expected and have not been looked for of late, each for one supervisor. `over`: the call has
-- been for a while, and LiveKit is to be asked what became of its recording. The others' calls are up and, as far as is
-- known, not being recorded. Those that are recorded as they should be are in nobody's way.
UPDATE recordings r SET next_attempt_at = %(next)s
FROM (
    SELECT e.id, c.state <> 'answered' AS over
    FROM recordings e JOIN calls c ON c.id = e.call_id
    WHERE e.state = 'expected' AND e.next_attempt_at <= %(now)s
      AND (c.state = 'given_back' OR (c.state = 'ended' AND c.ended_at <= %(over_by)s)
           OR (c.state = 'answered' AND e.egress_id IS NULL))
    ORDER BY e.next_attempt_at LIMIT %(most)s FOR UPDATE OF e SKIP LOCKED
) due
WHERE r.id = due.id
RETURNING r.call_id, due.over
