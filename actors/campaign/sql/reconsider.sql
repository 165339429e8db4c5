-- Contacts that were put off until their place opens, or until they have rested, are looked at anew: the rules by
-- which they were put off may have changed. Retries keep their time.
UPDATE call_tasks SET due = true, next_attempt_at = NULL
WHERE campaign_id = %(campaign)s AND status = 'pending' AND NOT due AND next_attempt_at IS NOT NULL AND NOT withdrawn
