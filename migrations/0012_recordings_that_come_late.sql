-- depends: 0011_one_index_for_two_questions

-- LiveKit may write a recording after its row is gone: where it was not known to have finished, what is noted of it
-- stays for as long as LiveKit's recording may still be under way, and its files are deleted again and again.
ALTER TABLE discarded_recordings
    ADD COLUMN unfinished boolean NOT NULL DEFAULT false,
    ADD COLUMN keep_until timestamptz; -- of an unfinished one, once its files have been deleted for the first time

CREATE OR REPLACE FUNCTION discard_recordings() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO discarded_recordings (call_id, company_id, unfinished) SELECT call_id, company_id, ready_at IS NULL FROM gone
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
