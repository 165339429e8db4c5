-- Of one campaign: one row, whatever the time range. Amounts of several currencies stand side by side.
SELECT p.total_tasks AS "contacts",
    p.completed_tasks::float8 / nullif(p.completed_tasks + p.failed_tasks, 0) AS "reached %",
    calls.ended AS "calls",
    calls.average_s AS "average call",
    calls.p95_s AS "95 % of calls within",
    costs.amounts AS "cost"
FROM campaigns AS p
CROSS JOIN LATERAL (
    SELECT count(*) AS ended, avg(talk_s) AS average_s,
        percentile_cont(0.95) WITHIN GROUP (ORDER BY talk_s) AS p95_s
    FROM (
        SELECT CASE WHEN c.outcome = 'answered' THEN extract(epoch FROM c.ended_at - c.answered_at)::float8 END AS talk_s
        FROM calls AS c
        WHERE c.campaign_id = p.id AND c.state = 'ended'
    ) AS talks
) AS calls
CROSS JOIN LATERAL (
    SELECT string_agg(round(amount, 2) || ' ' || currency, ' + ' ORDER BY currency) AS amounts
    FROM (
        SELECT r.currency, sum(r.amount) AS amount
        FROM receipts AS r
        JOIN calls AS c ON c.id = r.call_id
        WHERE c.campaign_id = p.id
        GROUP BY r.currency
    ) AS by_currency
) AS costs
WHERE coalesce(p.slug, p.id::text) = ${campaign:sqlstring}
