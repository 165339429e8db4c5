-- One task, by its id or its number.
SELECT f.id, f.phone_number, f.status, f.outcome, f.error, f.since, f.waits_until, f.forbidden, f.forbidden_reason,
       f.rests_until, f.attempts, f.max_attempts, c.state AS call_state
FROM facts f
LEFT JOIN calls c ON c.campaign_id = %(campaign)s AND c.task_id = f.id AND c.state IN ('claimed', 'dialing', 'answered')
WHERE (%(task)s::uuid IS NULL OR f.id = %(task)s) AND (%(number)s::text IS NULL OR f.phone_number = %(number)s)
LIMIT 1
