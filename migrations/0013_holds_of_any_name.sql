-- depends: 0012_recordings_that_come_late

-- A hold by the breaker of agents carries their name, which may be as long as skillbases.agent_name.
ALTER TABLE campaign_holds ALTER COLUMN hold TYPE varchar(300);
