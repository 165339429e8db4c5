-- A disk that may be full: then no call and no task can be written.

CREATE TABLE crash_disk (is_full boolean NOT NULL);
INSERT INTO crash_disk VALUES (false);

CREATE FUNCTION crash_fill() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT is_full FROM crash_disk) THEN
        RAISE EXCEPTION 'could not extend file "base/1/1": No space left on device' USING ERRCODE = 'disk_full';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER crash_disk BEFORE INSERT OR UPDATE ON calls FOR EACH ROW EXECUTE FUNCTION crash_fill();
CREATE TRIGGER crash_disk BEFORE INSERT OR UPDATE ON call_tasks FOR EACH ROW EXECUTE FUNCTION crash_fill();
