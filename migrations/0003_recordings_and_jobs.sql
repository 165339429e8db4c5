-- depends: 0002_campaigns_and_calls

-- What comes after a call: its recording, what it cost; and work beside calling.

CREATE TABLE recordings (
    id            uuid PRIMARY KEY,
    call_id       uuid NOT NULL UNIQUE REFERENCES calls,
    company_id    uuid NOT NULL REFERENCES companies,
    state         varchar(20) NOT NULL DEFAULT 'expected'
                  CONSTRAINT chk_recording_state
                  CHECK (state IN ('expected', 'pending', 'downloading', 'stored', 'failed')),
    egress_id     varchar(255),
    file          text, -- under the company's storage, once whole
    bytes         bigint CHECK (bytes >= 0),
    sha256        char(64),
    duration_s    numeric CHECK (duration_s >= 0),
    attempts      integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz,
    error_message text,
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL
);
CREATE INDEX recordings_company_state ON recordings (company_id, state);

CREATE TABLE receipts (
    id         uuid PRIMARY KEY,
    call_id    uuid NOT NULL UNIQUE REFERENCES calls,
    company_id uuid NOT NULL REFERENCES companies,
    amount     numeric(14, 6) NOT NULL,
    currency   char(3) NOT NULL,
    source     varchar(20) NOT NULL CONSTRAINT chk_receipt_source CHECK (source IN ('estimate', 'provider')),
    created_at timestamptz NOT NULL
);
CREATE INDEX receipts_company ON receipts (company_id);

CREATE TABLE background_jobs (
    id            uuid PRIMARY KEY,
    company_id    uuid NOT NULL REFERENCES companies,
    campaign_id   uuid REFERENCES campaigns,
    queue         varchar(50) NOT NULL DEFAULT 'maintenance',
    job_type      varchar(50) NOT NULL
                  CONSTRAINT chk_job_type
                  CHECK (job_type IN ('delete_receipts_all', 'delete_leads', 'update_leads', 'delete_imported_leads',
                                      'enqueue_outbound_calls', 'broadcast')),
    status        varchar(20) NOT NULL DEFAULT 'pending'
                  CONSTRAINT chk_job_status
                  CHECK (status IN ('pending', 'running', 'retry', 'completed', 'failed', 'cancelled')),
    params        jsonb NOT NULL DEFAULT '{}',
    done          bigint NOT NULL DEFAULT 0,
    total         bigint,
    attempts      integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz,
    heartbeat_at  timestamptz,
    error_message text,
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL
);
CREATE INDEX background_jobs_claimable ON background_jobs (queue, created_at) WHERE status IN ('pending', 'retry');
