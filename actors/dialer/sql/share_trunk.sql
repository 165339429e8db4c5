-- One row where other processes may dial, too, and then the trunk is ours until the end of this transaction. One that
-- has died counts for as long as it could have been heard of: its last dials may still be on their way.
SELECT pg_advisory_xact_lock(hashtextextended('trunk:' || %(trunk)s, 0))
FROM supervisors
WHERE heartbeat_at > clock_timestamp() - interval '1 minute' HAVING count(*) > 1
