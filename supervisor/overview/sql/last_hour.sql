-- How calls begun within the last hour ended, and what was said of those that failed. Numbers in what a service said are
-- hidden here, so that what differs in nothing else is one reason.
WITH ended AS (
    SELECT c.outcome, c.ended_at,
        CASE WHEN c.outcome IN ('trunk_failed', 'rate_limited', 'agent_failed', 'interrupted', 'error')
            THEN left(c.error_message, 300) END AS said
    FROM calls AS c
    WHERE c.trunk = ANY (%(trunks)s) AND c.dialing_at > %(now)s::timestamptz - interval '1 hour'
        AND c.state = 'ended'
)
SELECT outcome, regexp_replace(said, %(phone_number)s, '***', 'g') AS said, count(*) AS calls,
    max(ended_at) AS latest
FROM ended
GROUP BY 1, 2
