-- Claims up to as many tasks as there are ids, highest priority first, then oldest: the attempt is counted and its
-- call exists, under the id that will name its room, before anything is dialed. Claims nothing of a campaign that is
-- not running, but for a probe, where only the breaker that is probed holds it; and nobody who is on do-not-call by
-- now: such a task fails. A row locked by someone else is passed over. That the lease is ours has been seen to by
-- `promote`. `only`, where it is given, are the tasks that may be claimed at all. What stands before (rank, since) in
-- this order is not looked at: while somebody holds a snapshot, what was claimed there still has its index entries. The
-- answer has a row at least, so that it always says how many were refused; its last row, where the claim ended.
WITH chosen AS MATERIALIZED (
    SELECT t.id, t.phone_number, -t.priority AS rank, t.created_at FROM call_tasks t
    WHERE t.campaign_id = %(campaign)s AND t.due AND t.status IN ('pending', 'retry')
      AND (-t.priority, t.created_at) >= (%(rank)s::int, %(since)s::timestamptz)
      AND (%(only)s::uuid[] IS NULL OR t.id = ANY(%(only)s))
      AND (SELECT c.status = 'running' OR c.status = 'paused' AND %(probe)s::text IS NOT NULL
               AND %(probe)s = ALL (SELECT h.hold FROM campaign_holds h WHERE h.campaign_id = c.id)
           FROM campaigns c WHERE c.id = %(campaign)s)
    ORDER BY (-t.priority), t.created_at
    LIMIT cardinality(%(call_ids)s::uuid[])
    FOR UPDATE OF t SKIP LOCKED
), forbidden AS MATERIALIZED (
    SELECT id FROM chosen
    WHERE EXISTS (SELECT FROM do_not_call d WHERE d.phone_number = chosen.phone_number
                  AND (d.company_id IS NULL OR d.company_id = %(company)s))
), refused AS (
    UPDATE call_tasks t
    SET status = 'failed', due = false, next_attempt_at = NULL, error_message = 'On the do-not-call list',
        updated_at = %(now)s
    FROM forbidden WHERE t.id = forbidden.id
    RETURNING t.id
), refusals AS (
    UPDATE campaigns SET failed_tasks = failed_tasks + (SELECT count(*) FROM refused)
    WHERE id = %(campaign)s AND EXISTS (SELECT FROM forbidden)
), numbered AS MATERIALIZED (
    SELECT id, rank, created_at, row_number() OVER (ORDER BY rank, created_at) AS place FROM chosen
    WHERE NOT EXISTS (SELECT FROM forbidden f WHERE f.id = chosen.id)
), claimed AS (
    UPDATE call_tasks t
    SET status = 'in_progress', due = false, attempt_count = attempt_count + 1,
        last_attempt_at = %(now)s, next_attempt_at = NULL, call_id = (%(call_ids)s::uuid[])[n.place],
        updated_at = %(now)s
    FROM numbered n WHERE t.id = n.id
    RETURNING n.place, n.rank, n.created_at, t.call_id, t.id, t.phone_number, t.contact_name, t.contact_data, t.attempt_count, t.max_attempts
), attempts AS (
    INSERT INTO calls (id, task_id, campaign_id, company_id, trunk, phone_number, attempt, epoch, claimed_at)
    SELECT call_id, id, %(campaign)s, %(company)s, %(trunk)s, phone_number, attempt_count, %(epoch)s, %(now)s
    FROM claimed
)
SELECT r.refused, CASE WHEN c.place = r.last THEN c.rank END AS rank,
       CASE WHEN c.place = r.last THEN c.created_at END AS since, c.call_id, c.id AS task_id, %(trunk)s AS trunk, c.phone_number, c.contact_name, c.contact_data,
       c.attempt_count AS attempt, c.max_attempts
FROM (SELECT count(*) AS refused, (SELECT count(*) FROM numbered) AS last FROM refused) r LEFT JOIN claimed c ON true
ORDER BY c.place
