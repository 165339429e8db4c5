-- Of each of these campaigns the latest answered calls that are over, and whether an agent was there in time, or would
-- have been: who hung up before one was late was not abandoned (CallResult.is_abandoned). What became of interrupted
-- ones nobody saw.
SELECT w.campaign, c.answered_at, c.kept
FROM unnest(%(campaigns)s::uuid[]) AS w (campaign) JOIN campaigns p ON p.id = w.campaign CROSS JOIN LATERAL (
    SELECT answered_at,
           outcome <> 'agent_failed' OR ended_at < answered_at + make_interval(secs => p.agent_timeout_s::float8) AS kept
    FROM calls
    WHERE campaign_id = w.campaign AND dialing_at >= %(since)s AND state = 'ended' AND answered_at >= %(since)s
      AND outcome <> 'interrupted'
    ORDER BY dialing_at DESC LIMIT %(most)s
) AS c
