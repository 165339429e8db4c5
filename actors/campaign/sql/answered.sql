-- Of each of these campaigns the latest answered calls that are over, and whether an agent joined: what became of
-- interrupted ones nobody saw.
SELECT w.campaign, c.answered_at, c.agent_joined
FROM unnest(%(campaigns)s::uuid[]) AS w (campaign) CROSS JOIN LATERAL (
    SELECT answered_at, outcome <> 'agent_failed' AS agent_joined FROM calls
    WHERE campaign_id = w.campaign AND dialing_at >= %(since)s AND state = 'ended' AND answered_at >= %(since)s
      AND outcome <> 'interrupted'
    ORDER BY dialing_at DESC LIMIT %(most)s
) AS c
