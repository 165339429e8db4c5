-- When its ended calls began, as far as they still count against its limit.
SELECT dialing_at FROM calls
WHERE campaign_id = %(campaign)s AND dialing_at >= %(since)s AND state = 'ended'
