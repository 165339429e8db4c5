DROP TABLE trunk_prices;
ALTER TABLE call_tasks DROP COLUMN withdrawn;
DROP TRIGGER job_added ON background_jobs;
DROP FUNCTION notify_job_added();
DROP TABLE job_items;
DROP INDEX background_jobs_company;
ALTER TABLE background_jobs DROP COLUMN result, DROP COLUMN owner_id;
