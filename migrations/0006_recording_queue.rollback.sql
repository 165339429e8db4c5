DROP TRIGGER recordings_deleted ON recordings;
DROP FUNCTION discard_recordings(), supervisor_is_gone(uuid);
DROP TABLE discarded_recordings, recording_slots;
DROP INDEX recordings_expected, recordings_pending, recordings_unstored, recordings_to_transcribe, recordings_age;
ALTER TABLE recordings
    DROP COLUMN ready_at, DROP COLUMN source_bytes, DROP COLUMN stored_at, DROP COLUMN transcript_state,
    DROP COLUMN transcript_by, DROP COLUMN transcript_file, DROP COLUMN transcript_error,
    DROP COLUMN transcript_attempts, DROP CONSTRAINT chk_recording_stored;
ALTER TABLE companies DROP COLUMN recording_retention_days;
