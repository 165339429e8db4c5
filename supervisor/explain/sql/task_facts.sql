-- What a claim would find out about each task of the campaign; continued by kinds.sql or one.sql. `resting` is what
-- candidates.sql asks for each task, asked once for all: from the latest attempts that are allowed, the first one.
WITH forbidden AS (
    SELECT phone_number, bool_or(company_id IS NULL) AS by_everybody, min(reason) AS reason
    FROM do_not_call
    WHERE company_id IS NULL OR company_id = %(company)s
    GROUP BY phone_number
), resting AS (
    SELECT phone_number, claimed_at + interval '24 hours' AS until
    FROM (SELECT phone_number, claimed_at,
                 row_number() OVER (PARTITION BY phone_number ORDER BY claimed_at DESC) AS nth
          FROM calls
          WHERE %(most_per_day)s::bigint IS NOT NULL AND company_id = %(company)s AND counts
            AND claimed_at > %(now)s::timestamptz - interval '24 hours') AS recent
    WHERE nth = %(most_per_day)s::bigint
), facts AS (
    SELECT t.id, t.phone_number, t.status, t.outcome, t.error_message AS error, t.attempt_count AS attempts,
           t.max_attempts, -t.priority AS rank, t.created_at,
           CASE WHEN t.status IN ('completed', 'failed') THEN t.updated_at ELSE t.last_attempt_at END AS since,
           CASE WHEN NOT t.due AND t.next_attempt_at > %(now)s::timestamptz
                     AND t.status IN ('pending', 'retry') THEN t.next_attempt_at END AS waits_until,
           CASE WHEN f.by_everybody THEN 'everybody' WHEN NOT f.by_everybody THEN 'company' END AS forbidden,
           f.reason AS forbidden_reason,
           r.until AS rests_until
    FROM call_tasks t
    LEFT JOIN forbidden f ON f.phone_number = t.phone_number AND t.status IN ('pending', 'retry')
    LEFT JOIN resting r ON r.phone_number = t.phone_number AND t.status IN ('pending', 'retry')
    WHERE t.campaign_id = %(campaign)s
)
