-- The next tasks in the order of claiming, locked, and until when each number has had enough attempts: an attempt more
-- would be one too many of its company within 24 hours. NULL: it may be called.
SELECT t.id, t.phone_number,
       (SELECT min(recent.claimed_at) + interval '24 hours'
        FROM (SELECT c.claimed_at FROM calls c
              WHERE c.company_id = %(company)s AND c.phone_number = t.phone_number AND c.counts
                AND c.claimed_at > %(now)s - interval '24 hours'
              ORDER BY c.claimed_at DESC LIMIT %(most_per_day)s) AS recent
        HAVING count(*) >= %(most_per_day)s) AS rests_until
FROM call_tasks t
WHERE t.campaign_id = %(campaign)s AND t.due AND t.status IN ('pending', 'retry')
ORDER BY (-t.priority), t.created_at
LIMIT %(count)s
FOR UPDATE OF t SKIP LOCKED
