-- Gives back the slots of supervisors that have died, and those of this one behind which nothing is under way: their
-- downloads start again. Such an attempt failed through nobody's fault, and does not count.
WITH freed AS (
    DELETE FROM recording_slots s
    WHERE (s.supervisor_id <> %(supervisor)s AND supervisor_is_gone(s.supervisor_id))
       OR (s.supervisor_id = %(supervisor)s AND s.recording_id <> ALL(%(busy)s))
    RETURNING s.recording_id, s.company_id
), again AS (
    UPDATE recordings r
    SET state = 'pending', attempts = greatest(attempts - 1, 0), next_attempt_at = %(now)s, updated_at = %(now)s
    FROM freed WHERE r.id = freed.recording_id AND r.state = 'downloading'
    RETURNING r.id, r.call_id, r.company_id
)
SELECT a.id AS recording_id, a.call_id, a.company_id, c.campaign_id
FROM again a JOIN calls c ON c.id = a.call_id
