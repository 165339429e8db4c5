-- The lists of the campaigns that this supervisor works, by status, at one moment. What is settled is known from the
-- counters, and of the rest only those that wait for their retry are counted one by one: the time does not go with the
-- length of the list. Retries that have come due stand first in the queue, unless higher priorities are before them:
-- they are looked for among the next 1,000, and behind those shown as pending. The total is exact always.
SELECT coalesce(c.slug, c.id::text) AS campaign, c.total_tasks AS total, c.completed_tasks AS completed,
       c.failed_tasks AS failed,
       (SELECT count(*) FROM call_tasks t
        WHERE t.campaign_id = c.id AND NOT t.due AND t.next_attempt_at IS NOT NULL AND t.status = 'retry')
       + (SELECT count(*) FILTER (WHERE status = 'retry')
          FROM (SELECT status FROM call_tasks t
                WHERE t.campaign_id = c.id AND t.due AND t.status IN ('pending', 'retry')
                ORDER BY (-t.priority), t.created_at LIMIT 1000) next) AS retry,
       (SELECT count(*) FROM calls l WHERE l.company_id = c.company_id AND l.campaign_id = c.id
        AND l.state IN ('claimed', 'dialing', 'answered')) AS in_progress,
       EXISTS (SELECT FROM call_tasks t WHERE t.campaign_id = c.id AND t.due AND t.status IN ('pending', 'retry'))
       OR EXISTS (SELECT FROM call_tasks t WHERE t.campaign_id = c.id AND NOT t.due
                  AND t.status IN ('pending', 'retry') AND t.next_attempt_at <= %(now)s) AS work_due
FROM campaign_leases s JOIN campaigns c ON c.id = s.campaign_id
WHERE s.supervisor_id = %(supervisor)s
