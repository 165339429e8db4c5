-- Calls in progress of all the company's campaigns, and when each began.
SELECT id, dialing_at, campaign_id = %(campaign)s AS ours FROM calls
WHERE company_id = %(company)s AND state IN ('claimed', 'dialing', 'answered')
