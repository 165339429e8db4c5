-- Leads become pending tasks, in their order, unless the campaign has their number already. The campaign counts them,
-- and answers only while it takes contacts. Its updated_at stays: that would tell its actor of new settings.
WITH added AS (
    INSERT INTO call_tasks (id, campaign_id, phone_number, contact_name, contact_data, priority, created_at, updated_at)
    SELECT n.id, %(campaign)s, n.phone_number, n.name, n.data, n.priority, n.created_at, %(now)s
    FROM unnest(%(ids)s::uuid[], %(numbers)s::text[], %(names)s::text[], %(data)s::jsonb[], %(priorities)s::int[],
                %(created_at)s::timestamptz[]) AS n (id, phone_number, name, data, priority, created_at)
    ON CONFLICT (campaign_id, phone_number) DO NOTHING
    RETURNING id
)
UPDATE campaigns SET total_tasks = total_tasks + (SELECT count(*) FROM added)
WHERE id = %(campaign)s AND status IN ('draft', 'running', 'paused')
RETURNING (SELECT count(*) FROM added)
