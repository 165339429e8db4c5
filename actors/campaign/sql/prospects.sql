-- What there is still to do: claimable now, when the first waiting task comes due, in progress.
SELECT
    EXISTS (SELECT FROM call_tasks
            WHERE campaign_id = %(campaign)s AND due AND status IN ('pending', 'retry')) AS claimable,
    (SELECT min(next_attempt_at) FROM call_tasks
     WHERE campaign_id = %(campaign)s AND status IN ('pending', 'retry') AND NOT due AND next_attempt_at IS NOT NULL) AS next_due_at,
    EXISTS (SELECT FROM calls WHERE company_id = %(company)s AND campaign_id = %(campaign)s
            AND state IN ('claimed', 'dialing', 'answered')) AS in_progress
