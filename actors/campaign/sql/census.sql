-- The lists of the campaigns that this supervisor works, by status, at one moment. Only waiting and claimable rows are
-- read, and of those that are settled the counters: so the time goes with what is still to be done.
SELECT coalesce(c.slug, c.id::text) AS campaign, c.total_tasks AS total, c.completed_tasks AS completed,
       c.failed_tasks AS failed,
       (SELECT count(*) FROM call_tasks t WHERE t.campaign_id = c.id AND t.due AND t.status = 'retry')
       + (SELECT count(*) FROM call_tasks t WHERE t.campaign_id = c.id AND NOT t.due AND t.status = 'retry') AS retry,
       (SELECT count(*) FROM calls l WHERE l.company_id = c.company_id AND l.campaign_id = c.id
        AND l.state IN ('claimed', 'dialing', 'answered')) AS in_progress,
       EXISTS (SELECT FROM call_tasks t WHERE t.campaign_id = c.id AND t.due AND t.status IN ('pending', 'retry'))
       OR EXISTS (SELECT FROM call_tasks t WHERE t.campaign_id = c.id AND NOT t.due
                  AND t.status IN ('pending', 'retry') AND t.next_attempt_at <= %(now)s) AS work_due
FROM campaign_leases s JOIN campaigns c ON c.id = s.campaign_id
WHERE s.supervisor_id = %(supervisor)s
