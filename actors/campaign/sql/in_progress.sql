-- Calls of this campaign that have not ended, and when they began.
SELECT id, dialing_at FROM calls
WHERE company_id = %(company)s AND campaign_id = %(campaign)s AND state IN ('claimed', 'dialing', 'answered')
