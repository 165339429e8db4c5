-- A row for each call of the chosen campaigns, those under way and those given back undialed included.
SELECT coalesce(p.slug, p.id::text) AS campaign, o.slug AS company, p.timezone,
    c.id::text AS call_id, c.task_id::text AS task_id, c.phone_number, c.trunk, c.attempt, c.counts, c.state, c.outcome,
    c.error_message, c.sip_status_code, c.claimed_at, c.dialing_at, c.answered_at, c.agent_joined_at, c.ended_at,
    extract(epoch FROM c.answered_at - c.dialing_at)::float8 AS ring_time_s,
    CASE WHEN c.agent_joined_at IS NOT NULL
        THEN greatest(extract(epoch FROM c.agent_joined_at - c.answered_at)::float8, 0) END AS time_to_agent_s,
    extract(epoch FROM c.ended_at - c.answered_at)::float8 AS duration_s,
    r.amount AS cost, r.currency
FROM calls AS c
JOIN campaigns AS p ON p.id = c.campaign_id
JOIN companies AS o ON o.id = p.company_id
LEFT JOIN receipts AS r ON r.call_id = c.id
WHERE c.campaign_id = ANY (%(campaign_ids)s::uuid[])
ORDER BY o.slug, p.name, p.id, c.claimed_at, c.id
