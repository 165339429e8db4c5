-- What its actor does not need to know of a campaign, its company's limits, and whether a service works it: claims
-- need a lease that holds, by this same clock.
SELECT c.slug, c.name, c.default_region, c.timezone, c.status_message, c.status_error,
       y.max_concurrent_calls AS company_max_concurrent, y.max_attempts_per_day AS company_attempts_per_day,
       (SELECT max(h.created_at) FROM campaign_status_history h WHERE h.campaign_id = c.id) AS status_since,
       EXISTS (SELECT FROM campaign_leases l
               WHERE l.campaign_id = c.id AND l.supervisor_id IS NOT NULL AND l.expires_at > clock_timestamp()) AS worked
FROM campaigns c
JOIN companies y ON y.id = c.company_id
WHERE c.id = %(campaign)s
