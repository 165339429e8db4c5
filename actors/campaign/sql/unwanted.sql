-- Numbers whose owners have said by their carrier that they want no such calls: the company never calls them again.
INSERT INTO do_not_call (id, company_id, phone_number, reason, created_at)
SELECT u.id, %(company)s, u.phone_number, 'Unwanted, said the carrier', %(now)s
FROM unnest(%(ids)s::uuid[], %(numbers)s::text[]) AS u (id, phone_number)
ON CONFLICT DO NOTHING
