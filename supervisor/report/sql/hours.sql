-- Ended calls by the hour of the day in which they began, in their campaign's zone: for each campaign, and for all of
-- them together (campaign_id NULL).
WITH ended AS (
    SELECT c.campaign_id, c.outcome, r.amount, r.currency,
        extract(hour FROM coalesce(c.dialing_at, c.claimed_at) AT TIME ZONE p.timezone)::int AS hour,
        CASE WHEN c.outcome = 'answered' THEN extract(epoch FROM c.ended_at - c.answered_at)::float8 END AS talk_s
    FROM calls AS c
    JOIN campaigns AS p ON p.id = c.campaign_id
    LEFT JOIN receipts AS r ON r.call_id = c.id
    WHERE c.state = 'ended' AND c.campaign_id = ANY (%(campaign_ids)s::uuid[])
),
costs AS (
    SELECT campaign_id, hour, jsonb_object_agg(currency, amount::text) AS amounts
    FROM (
        SELECT campaign_id, hour, currency, sum(amount) AS amount
        FROM ended
        WHERE currency IS NOT NULL
        GROUP BY GROUPING SETS ((campaign_id, hour, currency), (hour, currency))
    ) AS by_currency
    GROUP BY campaign_id, hour
)
SELECT hours.*, coalesce(costs.amounts, '{}') AS amounts
FROM (
    SELECT campaign_id, hour,
        count(*) AS calls,
        count(*) FILTER (WHERE outcome = 'answered') AS answered,
        round(avg(talk_s)::numeric, 3)::float8 AS average_duration_s
    FROM ended
    GROUP BY GROUPING SETS ((campaign_id, hour), (hour))
) AS hours
LEFT JOIN costs ON costs.hour = hours.hour AND costs.campaign_id IS NOT DISTINCT FROM hours.campaign_id
ORDER BY hours.campaign_id, hours.hour
