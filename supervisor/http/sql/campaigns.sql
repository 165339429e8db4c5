-- Campaigns with whose they are and what holds them: one by its id, or a part of those that a query chooses.
SELECT c.*, y.slug AS company, s.slug AS skillbase,
       ARRAY(SELECT h.hold::text FROM campaign_holds h WHERE h.campaign_id = c.id ORDER BY h.created_at, h.hold) AS holds
FROM campaigns c
JOIN companies y ON y.id = c.company_id
JOIN skillbases s ON s.id = c.skillbase_id
WHERE (%(id)s::uuid IS NULL OR c.id = %(id)s::uuid)
  AND (%(status)s::text IS NULL OR c.status = %(status)s::text)
  AND (%(company)s::text IS NULL OR y.slug = %(company)s::text OR y.id::text = lower(%(company)s::text))
ORDER BY c.created_at DESC, c.id DESC
LIMIT %(limit)s OFFSET %(offset)s
