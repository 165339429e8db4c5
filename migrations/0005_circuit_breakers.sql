-- depends: 0004_supervisors_and_leases

-- What is known of the services that calls need: which of them fail, and how fast a trunk may be dialed.

CREATE TABLE circuit_breakers (
    service       text PRIMARY KEY, -- livekit, trunk:<name>, agents:<agent_name> or recordings
    state         varchar(20) NOT NULL
                  CONSTRAINT chk_breaker_state CHECK (state IN ('closed', 'open', 'half_open')),
    generation    bigint NOT NULL, -- grows with every change of state: who writes under an older one matches nothing
    changed_at    timestamptz, -- when it came into this state; NULL: it has never opened
    opened_at     timestamptz, -- when this outage was noticed; NULL while closed
    retry_at      timestamptz, -- when it is probed next; NULL unless open
    open_s        numeric NOT NULL CHECK (open_s > 0), -- how long it stays open: doubles with every failed probe
    last_error    text,
    error_count   integer NOT NULL DEFAULT 0 CHECK (error_count >= 0), -- since it was closed last
    last_error_at timestamptz,
    updated_at    timestamptz NOT NULL,
    CHECK ((state = 'open') = (retry_at IS NOT NULL)),
    CHECK ((state = 'closed') = (opened_at IS NULL))
);

CREATE TABLE trunk_paces (
    trunk                varchar(100) PRIMARY KEY,
    calls_per_minute     numeric CHECK (calls_per_minute > 0), -- what its carrier's last refusal left; NULL: none yet
    too_fast_at          timestamptz, -- when that refusal was
    max_concurrent_calls numeric CHECK (max_concurrent_calls > 0),
    too_many_at          timestamptz,
    CHECK ((calls_per_minute IS NULL) = (too_fast_at IS NULL)),
    CHECK ((max_concurrent_calls IS NULL) = (too_many_at IS NULL))
);

-- Of those who answer, the most that may find no agent on the line.
ALTER TABLE campaigns ADD COLUMN max_abandon_rate numeric NOT NULL DEFAULT 0.03
    CHECK (max_abandon_rate > 0 AND max_abandon_rate <= 1);

CREATE FUNCTION notify_breaker_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('campaignd', 'breaker:' || NEW.service);
    RETURN NULL;
END $$;
-- Errors that are counted while it is open change no generation, and wake nobody.
CREATE TRIGGER breaker_changed AFTER UPDATE ON circuit_breakers
    FOR EACH ROW WHEN (OLD.generation IS DISTINCT FROM NEW.generation) EXECUTE FUNCTION notify_breaker_changed();
CREATE TRIGGER breaker_entered AFTER INSERT ON circuit_breakers
    FOR EACH ROW WHEN (NEW.state <> 'closed') EXECUTE FUNCTION notify_breaker_changed();
