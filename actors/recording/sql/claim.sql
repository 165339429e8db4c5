-- Gives pending recordings that are due to free slots of their companies: the oldest of each company first, and of all
-- companies those first that have the fewest downloads under way. A slot that another supervisor takes at this moment
-- stays its own. Nothing is claimed while the store's breaker is not closed, but the one that it wants for a probe.
WITH allowed AS MATERIALIZED (
    SELECT %(probe)s OR NOT EXISTS (
        SELECT FROM circuit_breakers b WHERE b.service = 'recordings' AND b.state <> 'closed'
    ) AS now
), waiting AS MATERIALIZED (
    SELECT c.id, c.slug, c.recording_slots,
           (SELECT count(*) FROM recording_slots s WHERE s.company_id = c.id) AS under_way
    FROM allowed, companies c
    CROSS JOIN LATERAL (SELECT FROM recordings r WHERE r.company_id = c.id AND r.state = 'pending' LIMIT 1) r
    WHERE allowed.now
), free AS (
    SELECT w.id AS company_id, w.slug, w.recording_slots, w.under_way, f.slot, f.place
    FROM waiting w CROSS JOIN LATERAL (
        SELECT n AS slot, row_number() OVER (ORDER BY n) AS place
        FROM generate_series(1, w.recording_slots) n
        WHERE NOT EXISTS (SELECT FROM recording_slots s WHERE s.company_id = w.id AND s.slot = n)
        ORDER BY n LIMIT greatest(w.recording_slots - w.under_way, 0)
    ) f
), oldest AS MATERIALIZED (
    SELECT w.id AS company_id, r.id, r.created_at, row_number() OVER (PARTITION BY w.id ORDER BY r.created_at, r.id) AS place
    FROM waiting w CROSS JOIN LATERAL (
        SELECT r.id, r.created_at FROM recordings r
        WHERE r.company_id = w.id AND r.state = 'pending' AND r.next_attempt_at <= %(now)s
          AND r.id <> ALL(%(busy)s)
        ORDER BY r.created_at, r.id
        LIMIT least(greatest(w.recording_slots - w.under_way, 0), %(room)s)
        FOR UPDATE OF r SKIP LOCKED
    ) r
), given AS (
    SELECT free.*, oldest.id AS recording_id, free.under_way + free.place AS under_way_then
    FROM free JOIN oldest ON oldest.company_id = free.company_id AND oldest.place = free.place
    ORDER BY free.under_way + free.place, oldest.created_at, oldest.id
    LIMIT %(room)s
), taken AS (
    INSERT INTO recording_slots (company_id, slot, recording_id, supervisor_id, taken_at)
    SELECT company_id, slot, recording_id, %(supervisor)s, %(now)s FROM given
    ON CONFLICT DO NOTHING
    RETURNING company_id, slot, recording_id
)
UPDATE recordings r
SET state = 'downloading', attempts = attempts + 1, next_attempt_at = NULL, updated_at = %(now)s
FROM taken, given g, calls c
WHERE r.id = taken.recording_id AND g.recording_id = r.id AND c.id = r.call_id
RETURNING r.id AS recording_id, r.call_id, r.company_id, g.slug AS company, c.campaign_id, taken.slot,
          g.under_way_then::int AS under_way, g.recording_slots AS slots, r.attempts AS attempt,
          r.source_bytes AS expected_bytes, r.duration_s::float AS duration_s
