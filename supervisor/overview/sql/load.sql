-- What counts against limits: calls in progress, and those begun within the last minute, whoever they belong to. Calls
-- that are only made ready wait for their turn, however many there are.
WITH counted AS (
    SELECT campaign_id, company_id, trunk, 1 AS in_progress, 0 AS begun
    FROM calls
    WHERE state IN ('claimed', 'dialing', 'answered') AND dialing_at IS NOT NULL
    UNION ALL
    SELECT c.campaign_id, c.company_id, c.trunk, 0, 1
    FROM calls AS c
    WHERE c.trunk = ANY (%(trunks)s) AND c.dialing_at > %(now)s::timestamptz - interval '1 minute'
)
SELECT p.campaign_id, o.slug AS company, p.trunk, p.in_progress, p.begun, o.max_concurrent_calls
FROM (
    SELECT campaign_id, company_id, trunk, sum(in_progress)::int AS in_progress, sum(begun)::int AS begun
    FROM counted
    GROUP BY campaign_id, company_id, trunk
) AS p
JOIN companies AS o ON o.id = p.company_id
