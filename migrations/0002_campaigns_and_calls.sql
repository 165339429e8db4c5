-- depends: 0001_companies_and_leads

-- The call ledger: campaigns, the contacts they are to reach, and every attempt at one.

CREATE TABLE campaigns (
    id                   uuid PRIMARY KEY,
    company_id           uuid NOT NULL REFERENCES companies,
    skillbase_id         uuid NOT NULL REFERENCES skillbases,
    slug                 varchar(100) UNIQUE, -- the stem of its file; NULL when it was not made from one
    name                 varchar(255) NOT NULL,
    description          text,
    trunk                varchar(100) NOT NULL, -- a name under [trunks] in the service's file
    mode                 varchar(20) NOT NULL DEFAULT 'conversation'
                         CONSTRAINT chk_campaign_mode CHECK (mode IN ('conversation', 'broadcast')),
    default_region       char(2), -- resolves national numbers of its call lists
    status               varchar(20) NOT NULL DEFAULT 'draft'
                         CONSTRAINT chk_campaign_status
                         CHECK (status IN ('draft', 'running', 'paused', 'completed', 'failed')),
    status_message       text, -- what: shown to people
    status_error         text, -- why, when something failed

    start_time           timestamptz,
    end_time             timestamptz,
    daily_start_time     varchar(5) CHECK (daily_start_time ~ '^([01][0-9]|2[0-3]):[0-5][0-9]$'),
    daily_end_time       varchar(5) CHECK (daily_end_time ~ '^([01][0-9]|2[0-3]):[0-5][0-9]$'),
    timezone             varchar(64) NOT NULL DEFAULT 'UTC',
    days                 text[], -- 'mon' … 'sun'; NULL: every day
    holidays             varchar(10), -- country on whose holidays nobody is called
    contact_local_time   boolean NOT NULL DEFAULT false,

    max_concurrent_calls integer CHECK (max_concurrent_calls > 0),
    calls_per_minute     integer CHECK (calls_per_minute > 0),

    max_retries          integer NOT NULL DEFAULT 3 CHECK (max_retries > 0), -- attempts in all
    retry_delay_minutes  numeric NOT NULL DEFAULT 30 CHECK (retry_delay_minutes >= 0),
    backoff              varchar(20) NOT NULL DEFAULT 'exponential'
                         CONSTRAINT chk_backoff CHECK (backoff IN ('exponential', 'fixed')),
    max_delay_minutes    numeric NOT NULL DEFAULT 1440 CHECK (max_delay_minutes >= 0),
    jitter               numeric NOT NULL DEFAULT 0.1 CHECK (jitter >= 0 AND jitter < 1),
    retry_outcomes       jsonb NOT NULL DEFAULT '{}', -- outcome → minutes or "never"

    ringing_timeout_s    integer NOT NULL DEFAULT 30 CHECK (ringing_timeout_s BETWEEN 5 AND 60),
    max_call_duration_s  integer NOT NULL DEFAULT 600 CHECK (max_call_duration_s BETWEEN 10 AND 86400),
    agent_timeout_s      numeric NOT NULL DEFAULT 10 CHECK (agent_timeout_s > 0 AND agent_timeout_s <= 60),
    recording_enabled    boolean NOT NULL DEFAULT false,

    call_list_sha256     char(64), -- of the last list imported from its file's call_list

    total_tasks          integer NOT NULL DEFAULT 0,
    completed_tasks      integer NOT NULL DEFAULT 0,
    failed_tasks         integer NOT NULL DEFAULT 0,
    created_at           timestamptz NOT NULL,
    updated_at           timestamptz NOT NULL,

    CHECK ((daily_start_time IS NULL) = (daily_end_time IS NULL))
);
CREATE INDEX campaigns_company ON campaigns (company_id);
CREATE INDEX campaigns_active ON campaigns (id) WHERE status IN ('running', 'paused');

-- Why a campaign may not dial now. It dials only while it has no row here.
CREATE TABLE campaign_holds (
    campaign_id uuid NOT NULL REFERENCES campaigns ON DELETE CASCADE,
    hold        varchar(150) NOT NULL
                CONSTRAINT chk_hold CHECK (hold IN ('operator', 'config') OR hold LIKE 'breaker:%'),
    message     text NOT NULL, -- what: becomes status_message
    error       text,          -- why: becomes status_error
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (campaign_id, hold)
);

CREATE TABLE campaign_status_history (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    campaign_id uuid NOT NULL REFERENCES campaigns ON DELETE CASCADE,
    from_status varchar(20) NOT NULL,
    to_status   varchar(20) NOT NULL,
    reason      text NOT NULL,
    error       text,
    created_at  timestamptz NOT NULL
);
CREATE INDEX campaign_status_history_campaign ON campaign_status_history (campaign_id, id);

-- Settled rows are never touched again and claimed ones always are: room on each page and eager vacuuming keep a
-- full drain as fast at its end as at its beginning (measured: shared/facts/postgresql.md).
CREATE TABLE call_tasks (
    id              uuid PRIMARY KEY,
    campaign_id     uuid NOT NULL REFERENCES campaigns,
    phone_number    varchar(50) NOT NULL, -- E.164
    contact_name    varchar(255),
    contact_data    jsonb NOT NULL DEFAULT '{}',
    status          varchar(20) NOT NULL DEFAULT 'pending'
                    CONSTRAINT chk_task_status
                    CHECK (status IN ('pending', 'in_progress', 'completed', 'retry', 'failed')),
    due             boolean NOT NULL DEFAULT true, -- may be claimed now; false: waits for next_attempt_at, or is settled
    priority        integer NOT NULL DEFAULT 0,
    attempt_count   integer NOT NULL DEFAULT 0 CHECK (attempt_count >= 0),
    max_attempts    integer CHECK (max_attempts > 0), -- overrides the campaign's max_retries
    last_attempt_at timestamptz,
    next_attempt_at timestamptz, -- when a waiting one becomes due: a retry, or a contact whose place is closed now
    call_id         uuid, -- the call that settled it, or its last one
    outcome         varchar(50),
    error_message   text,
    created_at      timestamptz NOT NULL, -- a list's rows are a microsecond apart: its order is kept
    updated_at      timestamptz NOT NULL
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);

-- A contact is in a campaign once, whoever imports it, and how often.
CREATE UNIQUE INDEX call_tasks_number ON call_tasks (campaign_id, phone_number);
-- Claiming scans only what can be claimed, in the order of claiming; waiting retries must not stand in its way.
CREATE INDEX call_tasks_claimable ON call_tasks (campaign_id, (-priority), created_at)
    WHERE due AND status IN ('pending', 'retry');
CREATE INDEX call_tasks_waiting ON call_tasks (campaign_id, next_attempt_at) 
    WHERE status IN ('pending', 'retry') AND NOT due;
-- On id, not campaign_id: the planner would else scan every call in progress to settle one.
CREATE INDEX call_tasks_in_progress ON call_tasks (id) WHERE status = 'in_progress';

CREATE TABLE calls (
    id              uuid PRIMARY KEY, -- names its LiveKit room and participant
    task_id         uuid NOT NULL REFERENCES call_tasks,
    campaign_id     uuid NOT NULL REFERENCES campaigns,
    company_id      uuid NOT NULL REFERENCES companies,
    trunk           varchar(100) NOT NULL,
    phone_number    varchar(50) NOT NULL,
    attempt         integer NOT NULL CHECK (attempt > 0), -- the task's attempt_count with this one
    counts          boolean NOT NULL DEFAULT true, -- false: taken back from attempt_count (refused for our pace)
    epoch           bigint NOT NULL DEFAULT 0, -- of the campaign's lease under which it was claimed
    state           varchar(20) NOT NULL DEFAULT 'claimed'
                    CONSTRAINT chk_call_state
                    CHECK (state IN ('claimed', 'dialing', 'answered', 'ended', 'given_back')),
    outcome         varchar(50)
                    CONSTRAINT chk_outcome
                    CHECK (outcome IN ('answered', 'voicemail', 'no_answer', 'busy', 'rejected', 'invalid_number',
                                       'trunk_failed', 'rate_limited', 'agent_failed', 'cancelled', 'interrupted',
                                       'error')),
    error_message   text,
    sip_status_code integer,
    sip_call_id     varchar(255),
    claimed_at      timestamptz NOT NULL,
    dialing_at      timestamptz, -- written just before the dial request leaves: without it nothing rang
    answered_at     timestamptz,
    agent_joined_at timestamptz,
    ended_at        timestamptz,
    CHECK ((state = 'ended') = (outcome IS NOT NULL))
) WITH (fillfactor = 70);

CREATE INDEX calls_task ON calls (task_id);
-- Without it every call that is deleted scans all tasks for one that refers to it.
CREATE INDEX call_tasks_call ON call_tasks (call_id) WHERE call_id IS NOT NULL;
-- A task is attempted by one call at a time; an attempt that counts is one call.
CREATE UNIQUE INDEX calls_unfinished ON calls (task_id) WHERE state IN ('claimed', 'dialing', 'answered');
CREATE UNIQUE INDEX calls_attempt ON calls (task_id, attempt) WHERE counts;
-- The company's limit counts these; so does whoever takes over after a crash.
CREATE INDEX calls_in_progress ON calls (company_id, campaign_id, id) WHERE state IN ('claimed', 'dialing', 'answered');
-- How often a number was called of late, by any of the company's campaigns.
CREATE INDEX calls_number ON calls (company_id, phone_number, claimed_at);
-- What a restarted limiter reads: calls that began within the last minute.
CREATE INDEX calls_campaign_begun ON calls (campaign_id, dialing_at);
CREATE INDEX calls_trunk_begun ON calls (trunk, dialing_at);

ALTER TABLE call_tasks ADD FOREIGN KEY (call_id) REFERENCES calls;

-- Whoever works a campaign sleeps until one of these arrives. One message for a statement, however many rows.
CREATE FUNCTION notify_tasks_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('campaignd', 'tasks:' || campaign_id)
    FROM (SELECT DISTINCT campaign_id FROM added) AS campaigns_with_new_tasks;
    RETURN NULL;
END $$;
CREATE TRIGGER tasks_added AFTER INSERT ON call_tasks
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION notify_tasks_added();

CREATE FUNCTION notify_campaign_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('campaignd', 'campaign:' || coalesce(NEW.campaign_id, OLD.campaign_id));
    RETURN NULL;
END $$;
CREATE FUNCTION notify_campaign_row_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('campaignd', 'campaign:' || NEW.id);
    RETURN NULL;
END $$;
-- Who changes more than counters writes updated_at too; the counters change with every settled call.
CREATE TRIGGER campaign_changed AFTER UPDATE OF updated_at ON campaigns
    FOR EACH ROW EXECUTE FUNCTION notify_campaign_row_changed();
CREATE TRIGGER campaign_held AFTER INSERT OR DELETE ON campaign_holds
    FOR EACH ROW EXECUTE FUNCTION notify_campaign_changed();
