-- The processes that are at work on this database.
SELECT s.host, s.pid, s.version, s.started_at
FROM supervisors AS s
WHERE s.heartbeat_at > clock_timestamp() - interval '1 hour' AND NOT supervisor_is_gone(s.id)
ORDER BY s.started_at
