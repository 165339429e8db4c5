CREATE OR REPLACE FUNCTION discard_recordings() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO discarded_recordings (call_id, company_id, unfinished) SELECT call_id, company_id, ready_at IS NULL FROM gone
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
