-- The latest answered calls that are over, and whether an agent joined: what became of interrupted ones nobody saw.
SELECT answered_at, outcome <> 'agent_failed' FROM calls
WHERE campaign_id = %(campaign)s AND dialing_at >= %(since)s AND state = 'ended' AND answered_at >= %(since)s
  AND outcome <> 'interrupted'
ORDER BY dialing_at DESC LIMIT %(most)s
