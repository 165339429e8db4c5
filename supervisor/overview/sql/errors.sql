-- What failed within the last day besides calls, and stands as it failed: the latest of each kind.
SELECT * FROM (
    SELECT p.updated_at AS at, 'campaign ' || coalesce(p.slug, p.name) AS source,
        concat_ws(': ', p.status_message, p.status_error) AS said, 1::bigint AS count
    FROM campaigns AS p
    WHERE p.status IN ('paused', 'failed') AND p.status_error IS NOT NULL
    ORDER BY p.updated_at DESC
    LIMIT 20
) AS campaigns
UNION ALL
SELECT r.at, 'recordings of ' || o.slug, r.said, r.count
FROM companies AS o
JOIN LATERAL (
    SELECT max(f.updated_at) AS at, count(*) AS count,
        (array_agg(f.error_message ORDER BY f.updated_at DESC))[1] AS said
    FROM recordings AS f
    WHERE f.company_id = o.id AND f.state = 'failed' AND f.created_at > %(now)s::timestamptz - interval '1 day'
) AS r ON r.count > 0
UNION ALL
SELECT * FROM (
    SELECT j.updated_at, 'job ' || j.job_type || ' of ' || o.slug, j.error_message, 1::bigint
    FROM background_jobs AS j
    JOIN companies AS o ON o.id = j.company_id
    WHERE j.status = 'failed' AND j.updated_at > %(now)s::timestamptz - interval '1 day'
    ORDER BY j.updated_at DESC
    LIMIT 20
) AS jobs
