-- A row for each call task of the chosen campaigns, with its last ended call and what all its calls cost.
SELECT coalesce(p.slug, p.id::text) AS campaign, o.slug AS company, p.timezone,
    t.id::text AS task_id, t.phone_number, t.contact_name, t.status, t.outcome, t.attempt_count AS attempts,
    t.priority, t.error_message, t.last_attempt_at, t.next_attempt_at, c.answered_at, c.ended_at,
    extract(epoch FROM c.answered_at - c.dialing_at)::float8 AS ring_time_s,
    CASE WHEN c.agent_joined_at IS NOT NULL
        THEN greatest(extract(epoch FROM c.agent_joined_at - c.answered_at)::float8, 0) END AS time_to_agent_s,
    extract(epoch FROM c.ended_at - c.answered_at)::float8 AS duration_s,
    cost.amount AS cost, cost.currency, t.created_at, t.contact_data::text AS contact_data
FROM call_tasks AS t
JOIN campaigns AS p ON p.id = t.campaign_id
JOIN companies AS o ON o.id = p.company_id
LEFT JOIN calls AS c ON c.id = CASE WHEN t.status = 'in_progress'
    THEN (SELECT e.id FROM calls AS e WHERE e.campaign_id = t.campaign_id AND e.task_id = t.id AND e.state = 'ended'
        ORDER BY e.claimed_at DESC LIMIT 1)
    ELSE t.call_id END
LEFT JOIN LATERAL (
    -- Amounts of several currencies are not added up: such a task's cost is read from its calls.
    SELECT CASE WHEN count(DISTINCT r.currency) = 1 THEN sum(r.amount) END AS amount,
        CASE WHEN count(DISTINCT r.currency) = 1 THEN min(r.currency) END AS currency
    FROM calls AS k
    JOIN receipts AS r ON r.call_id = k.id
    WHERE k.campaign_id = t.campaign_id AND k.task_id = t.id
) AS cost ON true
WHERE t.campaign_id = ANY (%(campaign_ids)s::uuid[])
ORDER BY o.slug, p.name, p.id, t.created_at, t.id
