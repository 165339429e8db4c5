-- depends: 0006_recording_queue

-- What each background job has still to do, who does it; and what calls through a trunk cost.

ALTER TABLE background_jobs
    ADD COLUMN owner_id uuid, -- the supervisor that works on it, while it is running
    ADD COLUMN result jsonb NOT NULL DEFAULT '{}'; -- what was done so far: what → how often
CREATE INDEX background_jobs_company ON background_jobs (company_id, created_at);

-- Chosen once, when the job is submitted; an item goes with the batch that has done it.
CREATE TABLE job_items (
    job_id       uuid NOT NULL REFERENCES background_jobs ON DELETE CASCADE,
    position     integer NOT NULL,
    subject_id   uuid, -- a lead or a receipt; NULL where the number alone was given
    phone_number varchar(50), -- only of a job that goes by numbers
    looks        integer NOT NULL DEFAULT 0, -- how often it was found that it must wait
    PRIMARY KEY (job_id, position)
);
CREATE INDEX job_items_next ON job_items (job_id, looks, position);

-- Whoever has time for it is waiting for this.
CREATE FUNCTION notify_job_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('campaignd', 'jobs:' || NEW.id);
    RETURN NULL;
END $$;
CREATE TRIGGER job_added AFTER INSERT ON background_jobs FOR EACH ROW EXECUTE FUNCTION notify_job_added();

-- Its person is being erased while a call to them goes on: it is not tried again, and is emptied when the call is over.
ALTER TABLE call_tasks ADD COLUMN withdrawn boolean NOT NULL DEFAULT false;

-- As the service's file gives them; amounts are texts, so that no digit is lost.
CREATE TABLE trunk_prices (
    trunk      varchar(100) PRIMARY KEY,
    prices     jsonb NOT NULL,
    updated_at timestamptz NOT NULL
);
