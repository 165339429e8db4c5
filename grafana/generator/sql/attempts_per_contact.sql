-- Of one campaign: how many of its contacts have had how many attempts, and what became of those.
SELECT t.attempt_count AS "attempts",
    count(*) AS "contacts",
    count(*) FILTER (WHERE t.status = 'completed') AS "reached",
    count(*) FILTER (WHERE t.status = 'completed')::float8 / count(*) AS "reached %",
    count(*) FILTER (WHERE t.status = 'failed') AS "given up",
    count(*) FILTER (WHERE t.status = 'retry') AS "to be tried again",
    count(*) FILTER (WHERE t.status = 'in_progress') AS "in progress",
    count(*) FILTER (WHERE t.status = 'pending') AS "not called yet"
FROM call_tasks AS t
JOIN campaigns AS p ON p.id = t.campaign_id
WHERE coalesce(p.slug, p.id::text) = ${campaign:sqlstring}
GROUP BY 1
ORDER BY 1
