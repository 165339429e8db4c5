-- A campaign, its company's limits, and whether a service is connected: by the names that its connections have. To
-- somebody who may not see other users' connections their names are NULL.
SELECT c.slug, c.name, c.default_region, c.timezone, c.status, c.status_message, c.status_error,
       (SELECT max(h.created_at) FROM campaign_status_history h WHERE h.campaign_id = c.id) AS status_since,
       y.max_concurrent_calls AS company_max_concurrent, y.max_attempts_per_day AS company_attempts_per_day,
       (SELECT CASE WHEN bool_or(a.application_name IN ('campaignd', 'campaignd listener')) THEN true
                    WHEN bool_or(a.application_name IS NULL) THEN NULL
                    ELSE false END
        FROM pg_stat_activity a WHERE a.datname = current_database() AND a.pid <> pg_backend_pid()) AS served
FROM campaigns c
JOIN companies y ON y.id = c.company_id
WHERE c.id = %(campaign)s
