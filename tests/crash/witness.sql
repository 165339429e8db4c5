-- Who wrote what: every life of every service has a name (`crash.who`), and whoever writes to a campaign's calls or
-- tasks while its lease is another's is put down. Imports, which need no lease, are inserts into call_tasks.

CREATE TABLE crash_lives (supervisor_id uuid PRIMARY KEY, who text NOT NULL);
CREATE TABLE crash_trespasses (at timestamptz DEFAULT clock_timestamp(), who text, owner text, what text);

CREATE FUNCTION crash_note_life() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO crash_lives VALUES (NEW.id, current_setting('crash.who', true));
    RETURN NULL;
END $$;

CREATE FUNCTION crash_note_write() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    writer text := current_setting('crash.who', true);
    owner text := (SELECT v.who FROM campaign_leases l JOIN crash_lives v USING (supervisor_id)
                   WHERE l.campaign_id = NEW.campaign_id);
BEGIN
    IF writer IS NOT NULL AND writer IS DISTINCT FROM owner THEN
        INSERT INTO crash_trespasses (who, owner, what) VALUES (writer, owner, TG_OP || ' ' || TG_TABLE_NAME || ' ' || NEW.id);
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER crash_life AFTER INSERT ON supervisors FOR EACH ROW EXECUTE FUNCTION crash_note_life();
CREATE TRIGGER crash_call AFTER INSERT OR UPDATE ON calls FOR EACH ROW EXECUTE FUNCTION crash_note_write();
CREATE TRIGGER crash_task AFTER UPDATE ON call_tasks FOR EACH ROW EXECUTE FUNCTION crash_note_write();
