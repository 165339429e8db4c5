-- Calls of each of these campaigns that have not ended, with their tasks: as they were claimed, and when they began.
-- OFFSET 0 has them looked up in the index, campaign by campaign, however many the planner takes them for.
SELECT w.campaign, u.*
FROM unnest(%(campaigns)s::uuid[], %(companies)s::uuid[]) AS w (campaign, company) CROSS JOIN LATERAL (
    SELECT c.dialing_at, c.id AS call_id, c.task_id, c.trunk, c.phone_number, t.contact_name, t.contact_data, c.attempt,
           t.max_attempts
    FROM calls c JOIN call_tasks t ON t.id = c.task_id
    WHERE c.company_id = w.company AND c.campaign_id = w.campaign AND c.state IN ('claimed', 'dialing', 'answered')
    OFFSET 0
) AS u
