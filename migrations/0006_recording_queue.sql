-- depends: 0004_supervisors_and_leases

-- Recordings as a queue: what LiveKit has said of each, who fetches which, transcripts, and files to be deleted.

ALTER TABLE companies ADD COLUMN recording_retention_days integer CHECK (recording_retention_days > 0); -- NULL: kept

ALTER TABLE recordings
    ADD COLUMN ready_at           timestamptz, -- when LiveKit was known to have finished it: there is a file to fetch
    ADD COLUMN source_bytes       bigint,      -- as LiveKit reported it; NULL: it did not
    ADD COLUMN stored_at          timestamptz,
    ADD COLUMN transcript_state   varchar(20) NOT NULL DEFAULT 'none'
                                  CONSTRAINT chk_transcript_state
                                  CHECK (transcript_state IN ('none', 'pending', 'running', 'stored', 'failed')),
    ADD COLUMN transcript_by      uuid, -- the supervisor that has it made, while running
    ADD COLUMN transcript_file    text,
    ADD COLUMN transcript_error   text,
    ADD COLUMN transcript_attempts integer NOT NULL DEFAULT 0,
    ADD CONSTRAINT chk_recording_stored CHECK (state <> 'stored' OR (file IS NOT NULL AND bytes IS NOT NULL AND sha256 IS NOT NULL));

-- What is still to be done stands in indexes of its own: the many that are stored are in nobody's way.
CREATE INDEX recordings_expected ON recordings (next_attempt_at) WHERE state = 'expected';
CREATE INDEX recordings_pending ON recordings (company_id, created_at, id) WHERE state = 'pending';
CREATE INDEX recordings_unstored ON recordings (company_id, state) WHERE state <> 'stored';
CREATE INDEX recordings_to_transcribe ON recordings (created_at, id) WHERE transcript_state IN ('pending', 'running');
CREATE INDEX recordings_age ON recordings (company_id, created_at);

-- A download under way. No reference to `supervisors`: a slot may be taken before its owner has registered.
CREATE TABLE recording_slots (
    company_id    uuid NOT NULL REFERENCES companies,
    slot          integer NOT NULL CHECK (slot > 0),
    recording_id  uuid NOT NULL UNIQUE REFERENCES recordings ON DELETE CASCADE,
    supervisor_id uuid NOT NULL,
    taken_at      timestamptz NOT NULL,
    PRIMARY KEY (company_id, slot)
);

-- Whether a supervisor has died: it holds an advisory lock for as long as it lives (actors/roster/leases.py). After a
-- start of PostgreSQL each is given a while to appear again.
CREATE FUNCTION supervisor_is_gone(supervisor uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT pg_postmaster_start_time() < clock_timestamp() - interval '5 seconds' AND NOT EXISTS (
        SELECT FROM pg_locks k
        WHERE k.locktype = 'advisory' AND k.objsubid = 1
          AND (k.classid::bigint << 32 | k.objid::bigint) = hashtextextended(supervisor::text, 0)
          AND k.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    )
$$;

-- Files whose row is gone, whoever deleted it: retention, an erasure, a campaign's deletion. Their names derive from
-- these ids; a row stays until they are deleted.
CREATE TABLE discarded_recordings (
    call_id    uuid PRIMARY KEY,
    company_id uuid NOT NULL,
    tries      integer NOT NULL DEFAULT 0
);
CREATE FUNCTION discard_recordings() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO discarded_recordings (call_id, company_id) SELECT call_id, company_id FROM gone
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER recordings_deleted AFTER DELETE ON recordings
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION discard_recordings();
