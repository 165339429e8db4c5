-- Calls in progress of all the company's campaigns.
SELECT count(*) FROM calls WHERE company_id = %(company)s AND state IN ('claimed', 'dialing', 'answered')
