-- depends: 0003_recordings_and_jobs

-- Which process works which campaign.

CREATE TABLE supervisors (
    id           uuid PRIMARY KEY,
    host         text NOT NULL,
    pid          integer NOT NULL,
    version      text NOT NULL,
    started_at   timestamptz NOT NULL,
    heartbeat_at timestamptz NOT NULL
);

CREATE TABLE campaign_leases (
    campaign_id   uuid PRIMARY KEY REFERENCES campaigns ON DELETE CASCADE,
    supervisor_id uuid REFERENCES supervisors,
    epoch         bigint NOT NULL, -- grows with every new owner: writes under an older one match nothing
    expires_at    timestamptz NOT NULL
);
