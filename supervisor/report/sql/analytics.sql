-- How the calls of the chosen campaigns went: a row for each campaign that has ended calls, and one for all of them
-- together, whose campaign_id is NULL (an average of averages, or of percentiles, would be wrong).
SELECT campaign_id,
    count(*) FILTER (WHERE counts) AS attempts,
    count(DISTINCT task_id) FILTER (WHERE outcome = 'answered') AS contacts_reached,
    round(avg(talk_s)::numeric, 3)::float8 AS average_duration_s,
    round((percentile_cont(0.95) WITHIN GROUP (ORDER BY talk_s))::numeric, 3)::float8 AS p95_duration_s,
    round(avg(ring_s)::numeric, 3)::float8 AS average_ring_time_s,
    round((percentile_cont(0.95) WITHIN GROUP (ORDER BY ring_s))::numeric, 3)::float8 AS p95_ring_time_s,
    round(avg(agent_s)::numeric, 3)::float8 AS average_time_to_agent_s,
    round((percentile_cont(0.95) WITHIN GROUP (ORDER BY agent_s))::numeric, 3)::float8 AS p95_time_to_agent_s
FROM (
    SELECT campaign_id, task_id, outcome, counts,
        CASE WHEN outcome = 'answered' THEN extract(epoch FROM ended_at - answered_at)::float8 END AS talk_s,
        extract(epoch FROM answered_at - dialing_at)::float8 AS ring_s,
        -- An agent who was in the room before the contact answered took no time.
        CASE WHEN agent_joined_at IS NOT NULL
            THEN greatest(extract(epoch FROM agent_joined_at - answered_at)::float8, 0) END AS agent_s
    FROM calls
    WHERE state = 'ended' AND campaign_id = ANY (%(campaign_ids)s::uuid[])
) AS ended
GROUP BY GROUPING SETS ((campaign_id), ())
