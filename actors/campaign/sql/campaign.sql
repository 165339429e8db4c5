-- Everything a campaign's actor needs to know of its campaign.
SELECT c.*, s.agent_name, s.metadata AS agent_metadata, y.slug AS company,
       y.max_concurrent_calls IS NOT NULL OR y.max_attempts_per_day IS NOT NULL AS company_limited
FROM campaigns c
JOIN skillbases s ON s.id = c.skillbase_id
JOIN companies y ON y.id = c.company_id
WHERE c.id = %(campaign)s
