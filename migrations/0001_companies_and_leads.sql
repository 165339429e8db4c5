-- Tenants, what their agents know, whom they know, and whom nobody may call.

CREATE TABLE companies (
    id                   uuid PRIMARY KEY,
    slug                 varchar(63) NOT NULL UNIQUE CHECK (slug ~ '^[a-z0-9][a-z0-9_-]*$'),
    name                 varchar(255) NOT NULL,
    max_concurrent_calls integer CHECK (max_concurrent_calls > 0), -- over all its campaigns; NULL: no limit
    max_attempts_per_day integer CHECK (max_attempts_per_day > 0), -- at one number in any 24 h, over all its campaigns
    recording_slots      integer NOT NULL DEFAULT 3 CHECK (recording_slots > 0),
    created_at           timestamptz NOT NULL,
    updated_at           timestamptz NOT NULL
);

CREATE TABLE skillbases (
    id         uuid PRIMARY KEY,
    company_id uuid NOT NULL REFERENCES companies,
    slug       varchar(63) NOT NULL CHECK (slug ~ '^[a-z0-9][a-z0-9_-]*$'),
    agent_name varchar(255) NOT NULL, -- the LiveKit agent dispatched to each call
    metadata   jsonb NOT NULL DEFAULT '{}', -- handed to the agent with its job
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    UNIQUE (company_id, slug)
);

CREATE TABLE leads (
    id           uuid PRIMARY KEY,
    company_id   uuid NOT NULL REFERENCES companies,
    phone_number varchar(50) NOT NULL,
    name         varchar(255),
    data         jsonb NOT NULL DEFAULT '{}',
    source       varchar(20) NOT NULL CONSTRAINT chk_lead_source CHECK (source IN ('imported', 'manual')),
    import_id    uuid, -- which import brought it; NULL for manual ones
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    UNIQUE (company_id, phone_number)
);

CREATE TABLE do_not_call (
    id           uuid PRIMARY KEY,
    company_id   uuid REFERENCES companies, -- NULL: for every company
    phone_number varchar(50) NOT NULL,      -- E.164
    reason       text,
    created_at   timestamptz NOT NULL
);
CREATE UNIQUE INDEX do_not_call_number
    ON do_not_call (phone_number, coalesce(company_id, '00000000-0000-0000-0000-000000000000'));
