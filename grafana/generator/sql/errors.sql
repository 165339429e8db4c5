-- Of one campaign: what was told of calls that ended within the time range, the most frequent first.
SELECT c.outcome AS "outcome",
    c.sip_status_code AS "SIP",
    c.error_message AS "told",
    count(*) AS "calls",
    max(c.ended_at) AS "last"
FROM calls AS c
JOIN campaigns AS p ON p.id = c.campaign_id
WHERE coalesce(p.slug, p.id::text) = ${campaign:sqlstring} AND c.state = 'ended' AND $__timeFilter(c.ended_at)
    AND c.outcome NOT IN ('answered', 'voicemail')
GROUP BY 1, 2, 3
ORDER BY count(*) DESC, max(c.ended_at) DESC
LIMIT 20
