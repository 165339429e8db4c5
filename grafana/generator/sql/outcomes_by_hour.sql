-- Of one campaign: calls that ended within the time range, by hour of its time zone.
SELECT to_char(date_trunc('hour', c.ended_at AT TIME ZONE p.timezone), 'YYYY-MM-DD HH24:MI') AS "hour",
    count(*) AS "calls",
    count(*) FILTER (WHERE c.outcome = 'answered') AS "answered",
    count(*) FILTER (WHERE c.outcome = 'answered')::float8 / count(*) AS "answered %",
    count(*) FILTER (WHERE c.outcome = 'voicemail') AS "voicemail",
    count(*) FILTER (WHERE c.outcome = 'no_answer') AS "no answer",
    count(*) FILTER (WHERE c.outcome = 'busy') AS "busy",
    count(*) FILTER (WHERE c.outcome = 'rejected') AS "rejected",
    count(*) FILTER (WHERE c.outcome = 'invalid_number') AS "invalid",
    count(*) FILTER (WHERE c.outcome = 'agent_failed') AS "no agent",
    count(*) FILTER (WHERE c.outcome IN ('trunk_failed', 'rate_limited', 'interrupted', 'error')) AS "failed",
    count(*) FILTER (WHERE c.outcome = 'cancelled') AS "cancelled"
FROM calls AS c
JOIN campaigns AS p ON p.id = c.campaign_id
WHERE coalesce(p.slug, p.id::text) = ${campaign:sqlstring} AND c.state = 'ended' AND $__timeFilter(c.ended_at)
GROUP BY 1
ORDER BY 1 DESC
