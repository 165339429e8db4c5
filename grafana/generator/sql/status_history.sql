-- Of one campaign: its latest changes of status.
SELECT h.created_at AS "at",
    h.from_status AS "from",
    h.to_status AS "to",
    h.reason AS "why",
    h.error AS "error"
FROM campaign_status_history AS h
JOIN campaigns AS p ON p.id = h.campaign_id
WHERE coalesce(p.slug, p.id::text) = ${campaign:sqlstring}
ORDER BY h.id DESC
LIMIT 50
