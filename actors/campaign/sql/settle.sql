-- Ends calls, decides their tasks and counts them, all in one statement. A call that has ended already, whoever
-- ended it, matches nothing: so a result may be settled any number of times. Under a lease that has been lost nothing
-- matches; the answer says whether it is still ours.
WITH lease AS MATERIALIZED (
    SELECT FROM campaign_leases WHERE campaign_id = %(campaign)s AND epoch = %(epoch)s FOR SHARE
), result AS (
    SELECT * FROM unnest(
        %(call_ids)s::uuid[], %(outcomes)s::text[], %(errors)s::text[], %(sip_status_codes)s::int[],
        %(sip_call_ids)s::text[], %(answered_at)s::timestamptz[], %(agent_joined_at)s::timestamptz[],
        %(ended_at)s::timestamptz[], %(statuses)s::text[], %(next_attempt_at)s::timestamptz[],
        %(attempt_counts)s::boolean[], %(receipt_ids)s::uuid[], %(amounts)s::numeric[], %(currencies)s::text[]
    ) AS r (call_id, outcome, error, sip_status_code, sip_call_id, answered_at, agent_joined_at, ended_at, status,
            next_attempt_at, attempt_counts, receipt_id, amount, currency)
), ended AS (
    UPDATE calls c
    SET state = 'ended', outcome = r.outcome, error_message = r.error, sip_status_code = r.sip_status_code,
        sip_call_id = coalesce(r.sip_call_id, c.sip_call_id), answered_at = coalesce(r.answered_at, c.answered_at),
        agent_joined_at = r.agent_joined_at, ended_at = r.ended_at,
        counts = r.attempt_counts
    FROM result r
    WHERE c.id = r.call_id AND (c.state IN ('claimed', 'dialing', 'answered')) IS TRUE
      AND EXISTS (SELECT FROM lease)
    RETURNING c.id, c.task_id, c.company_id, r.outcome, r.error, r.status, r.next_attempt_at, r.attempt_counts,
              r.receipt_id, r.amount, r.currency
), estimated AS (
    INSERT INTO receipts (id, call_id, company_id, amount, currency, source, created_at)
    SELECT receipt_id, id, company_id, amount, currency, 'estimate', %(now)s FROM ended WHERE amount IS NOT NULL
    ON CONFLICT (call_id) DO NOTHING -- the provider was quicker, and knows better
), decided AS (
    UPDATE call_tasks t
    SET status = CASE WHEN t.withdrawn AND e.status = 'retry' THEN 'failed' ELSE e.status END, outcome = e.outcome, error_message = e.error, call_id = e.id, due = false,
        next_attempt_at = CASE WHEN NOT t.withdrawn THEN e.next_attempt_at END, updated_at = %(now)s,
        attempt_count = t.attempt_count - (NOT e.attempt_counts)::int
    FROM ended e
    WHERE t.id = e.task_id AND (t.status = 'in_progress') IS TRUE
    RETURNING t.status
), counted AS (
    SELECT count(*) FILTER (WHERE status = 'completed') AS completed,
           count(*) FILTER (WHERE status = 'failed') AS failed
    FROM decided
), totals AS (
    UPDATE campaigns
    SET completed_tasks = completed_tasks + completed, failed_tasks = failed_tasks + failed
    FROM counted
    WHERE id = %(campaign)s AND completed + failed > 0
)
SELECT EXISTS (SELECT FROM lease) AS ours
