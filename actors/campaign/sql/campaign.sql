-- Everything that each of these campaigns' actors needs to know of its campaign; the epoch is NULL where the lease is not ours.
-- The agent of a broadcast is told that it is to speak, and not to converse.
-- Prices are those of its trunk, and of the trunks through which calls are up that began before it had this one.
SELECT c.*, s.agent_name, y.slug AS company,
       (SELECT jsonb_object_agg(p.trunk, p.prices) FROM trunk_prices p WHERE p.trunk = c.trunk OR p.trunk IN (
            SELECT k.trunk FROM calls k WHERE k.company_id = c.company_id AND k.campaign_id = c.id
                AND k.state IN ('claimed', 'dialing', 'answered'))) AS prices,
       ARRAY(SELECT hold FROM campaign_holds h WHERE h.campaign_id = c.id) AS holds,
       s.metadata || CASE c.mode WHEN 'broadcast' THEN '{"mode": "broadcast"}' ELSE '{}' END::jsonb AS agent_metadata,
       y.max_concurrent_calls IS NOT NULL OR y.max_attempts_per_day IS NOT NULL AS company_limited,
       l.epoch
FROM campaigns c
JOIN skillbases s ON s.id = c.skillbase_id
JOIN companies y ON y.id = c.company_id
LEFT JOIN campaign_leases l
    ON l.campaign_id = c.id AND l.supervisor_id = %(supervisor)s AND l.expires_at > clock_timestamp()
WHERE c.id = ANY(%(campaigns)s)
