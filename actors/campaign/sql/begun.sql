-- When the ended calls of each of these campaigns began, as far as they still count against its limit. OFFSET 0 has them
-- looked up in the index, campaign by campaign, however many the planner takes them for.
SELECT w.campaign, c.dialing_at
FROM unnest(%(campaigns)s::uuid[]) AS w (campaign) CROSS JOIN LATERAL (
    SELECT dialing_at FROM calls
    WHERE campaign_id = w.campaign AND dialing_at >= %(since)s AND state = 'ended' OFFSET 0
) AS c
