-- Tasks whose time has come join the claimable ones; they keep their status until they are claimed.
UPDATE call_tasks SET due = true
WHERE campaign_id = %(campaign)s AND status IN ('pending', 'retry') AND NOT due AND next_attempt_at <= %(now)s
