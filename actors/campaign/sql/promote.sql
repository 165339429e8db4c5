-- Tasks whose time has come join the claimable ones; they keep their status until they are claimed. The answer says
-- whether the lease is still ours; it then stays ours to the end of this transaction. And whether the company has limits
-- by now: it may have got them since the campaign was read. And what tells whether others may be claimable by now than
-- were when somebody looked: whether any has come due, and how many tasks there are. What follows in this transaction
-- is read in its index's order, by a plan that is kept: statistics that know nothing of a list just imported would have
-- all of it sorted for each claim (measured: 0.4 to 1.3 s of a million in place of 2 ms), and to plan a claim of a few
-- takes longer than to make it.
WITH lease AS MATERIALIZED (
    SELECT FROM campaign_leases
    WHERE campaign_id = %(campaign)s AND epoch = %(epoch)s AND expires_at > clock_timestamp() FOR SHARE
), promoted AS (
    UPDATE call_tasks SET due = true
    WHERE campaign_id = %(campaign)s AND status IN ('pending', 'retry') AND NOT due AND next_attempt_at <= %(now)s
      AND EXISTS (SELECT FROM lease)
    RETURNING id
)
SELECT EXISTS (SELECT FROM lease) AS ours,
       (SELECT max_concurrent_calls IS NOT NULL OR max_attempts_per_day IS NOT NULL
        FROM companies WHERE id = %(company)s) AS company_limited,
       EXISTS (SELECT FROM promoted) AS came_due,
       (SELECT total_tasks FROM campaigns WHERE id = %(campaign)s) AS total_tasks,
       set_config('enable_sort', 'off', true), set_config('plan_cache_mode', 'force_generic_plan', true)
