CREATE OR REPLACE FUNCTION discard_recordings() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO discarded_recordings (call_id, company_id) SELECT call_id, company_id FROM gone
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
ALTER TABLE discarded_recordings DROP COLUMN unfinished, DROP COLUMN keep_until;
