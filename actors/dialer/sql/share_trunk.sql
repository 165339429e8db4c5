-- One row where other processes may dial, too, and then the trunk is ours until the end of this transaction. However
-- long one has not been heard of, it counts until it is forgotten (actors/roster/leases.py): PostgreSQL may have been
-- away from it, or from all. Who is not among them holds no lease, and so marks no call.
SELECT pg_advisory_xact_lock(hashtextextended('trunk:' || %(trunk)s, 0))
FROM supervisors HAVING count(*) > 1
