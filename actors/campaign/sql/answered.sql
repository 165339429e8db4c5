-- Of each of these campaigns the latest answered calls that are over, and whether they were kept, or abandoned, which is
-- what CallResult.is_abandoned says: no agent had come when one was late. What became of interrupted ones nobody saw.
SELECT w.campaign, c.answered_at, c.kept
FROM unnest(%(campaigns)s::uuid[]) AS w (campaign) JOIN campaigns p ON p.id = w.campaign CROSS JOIN LATERAL (
    SELECT answered_at, ended_at < late_at OR coalesce(
        CASE outcome WHEN 'agent_failed' THEN ended_at WHEN 'answered' THEN agent_joined_at END < late_at, true) AS kept
    FROM calls CROSS JOIN LATERAL (SELECT answered_at + make_interval(secs => p.agent_timeout_s::float8)) AS l (late_at)
    WHERE campaign_id = w.campaign AND dialing_at >= %(since)s AND state = 'ended' AND answered_at >= %(since)s
      AND outcome <> 'interrupted'
    ORDER BY dialing_at DESC LIMIT %(most)s
) AS c
