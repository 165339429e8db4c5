-- depends: 0013_holds_of_any_name

-- So may we ourselves write one after its row is gone: its file, or its transcript, is being made, and whoever makes it
-- may die before it can say so.
CREATE OR REPLACE FUNCTION discard_recordings() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO discarded_recordings (call_id, company_id, unfinished)
    SELECT call_id, company_id, ready_at IS NULL OR state = 'downloading' OR transcript_state = 'running' FROM gone
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
