-- Its holds, oldest first.
SELECT hold AS name, message, error, created_at FROM campaign_holds WHERE campaign_id = %(campaign)s
ORDER BY created_at, hold
