-- Calls of this campaign that have not ended, with their tasks: as they were claimed, and when they began.
SELECT c.dialing_at, c.id AS call_id, c.task_id, c.trunk, c.phone_number, t.contact_name, t.contact_data, c.attempt,
       t.max_attempts
FROM calls c JOIN call_tasks t ON t.id = c.task_id
WHERE c.company_id = %(company)s AND c.campaign_id = %(campaign)s AND c.state IN ('claimed', 'dialing', 'answered')
