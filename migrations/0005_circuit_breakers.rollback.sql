ALTER TABLE campaigns DROP COLUMN max_abandon_rate;
DROP TABLE trunk_paces, circuit_breakers;
DROP FUNCTION notify_breaker_changed();
