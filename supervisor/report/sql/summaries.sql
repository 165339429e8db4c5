-- One row for each chosen campaign with its tasks, calls, durations and receipts, all of one moment: the parts add up
-- even while campaigns run.
WITH chosen AS (
    SELECT p.id, p.slug, p.name, o.slug AS company, p.timezone, p.status, p.status_message, p.status_error
    FROM campaigns AS p
    JOIN companies AS o ON o.id = p.company_id
    WHERE (%(campaign_ids)s::uuid[] IS NULL OR p.id = ANY (%(campaign_ids)s::uuid[]))
      AND (%(company)s::text IS NULL OR o.slug = %(company)s::text)
),
tasks AS (
    SELECT t.campaign_id,
        count(*) AS total,
        count(*) FILTER (WHERE t.status = 'pending') AS pending,
        count(*) FILTER (WHERE t.status = 'in_progress') AS in_progress,
        count(*) FILTER (WHERE t.status = 'retry') AS retry,
        count(*) FILTER (WHERE t.status = 'completed') AS completed,
        count(*) FILTER (WHERE t.status = 'failed') AS failed
    FROM call_tasks AS t
    JOIN chosen ON chosen.id = t.campaign_id
    GROUP BY t.campaign_id
),
outcomes AS (
    SELECT c.campaign_id, c.outcome, count(*) AS calls
    FROM calls AS c
    JOIN chosen ON chosen.id = c.campaign_id
    WHERE c.state = 'ended'
    GROUP BY c.campaign_id, c.outcome
),
outcomes_by_campaign AS (
    SELECT campaign_id, sum(calls)::bigint AS ended, jsonb_object_agg(outcome, calls) AS by_outcome
    FROM outcomes
    GROUP BY campaign_id
),
in_progress AS (
    SELECT c.campaign_id, count(*) AS calls
    FROM calls AS c
    JOIN chosen ON chosen.id = c.campaign_id
    WHERE c.state IN ('claimed', 'dialing', 'answered')
    GROUP BY c.campaign_id
),
talks AS (
    SELECT c.campaign_id,
        avg(extract(epoch FROM c.ended_at - c.answered_at)) AS average_s,
        percentile_cont(0.95) WITHIN GROUP (ORDER BY extract(epoch FROM c.ended_at - c.answered_at)::float8) AS p95_s
    FROM calls AS c
    JOIN chosen ON chosen.id = c.campaign_id
    WHERE c.state = 'ended' AND c.outcome = 'answered' AND c.answered_at IS NOT NULL
    GROUP BY c.campaign_id
),
costs AS (
    SELECT c.campaign_id, r.currency, sum(r.amount) AS amount
    FROM receipts AS r
    JOIN calls AS c ON c.id = r.call_id
    JOIN chosen ON chosen.id = c.campaign_id
    GROUP BY c.campaign_id, r.currency
),
costs_by_campaign AS (
    SELECT campaign_id, jsonb_object_agg(currency, amount::text) AS amounts FROM costs GROUP BY campaign_id
),
holds AS (
    SELECT h.campaign_id, array_agg(h.hold::text ORDER BY h.created_at, h.hold) AS names
    FROM campaign_holds AS h
    JOIN chosen ON chosen.id = h.campaign_id
    GROUP BY h.campaign_id
)
SELECT chosen.*,
    coalesce(holds.names, '{}') AS holds,
    coalesce(tasks.total, 0) AS total,
    coalesce(tasks.pending, 0) AS pending,
    coalesce(tasks.in_progress, 0) AS in_progress,
    coalesce(tasks.retry, 0) AS retry,
    coalesce(tasks.completed, 0) AS completed,
    coalesce(tasks.failed, 0) AS failed,
    coalesce(outcomes_by_campaign.ended, 0) AS calls_ended,
    coalesce(in_progress.calls, 0) AS calls_in_progress,
    coalesce(outcomes_by_campaign.by_outcome, '{}') AS by_outcome,
    round(talks.average_s, 3)::float8 AS average_duration_s,
    round(talks.p95_s::numeric, 3)::float8 AS p95_duration_s,
    coalesce(costs_by_campaign.amounts, '{}') AS amounts
FROM chosen
LEFT JOIN tasks ON tasks.campaign_id = chosen.id
LEFT JOIN outcomes_by_campaign ON outcomes_by_campaign.campaign_id = chosen.id
LEFT JOIN in_progress ON in_progress.campaign_id = chosen.id
LEFT JOIN talks ON talks.campaign_id = chosen.id
LEFT JOIN costs_by_campaign ON costs_by_campaign.campaign_id = chosen.id
LEFT JOIN holds ON holds.campaign_id = chosen.id
ORDER BY chosen.company, chosen.name, chosen.id
