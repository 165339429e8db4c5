-- depends: 0007_jobs_and_prices

-- The files as each service has applied them last: `campaignd plan` compares with it what it finds.
CREATE TABLE applied_configurations (
    host       text NOT NULL,
    file       text NOT NULL, -- the service's file, absolute
    digest     char(64) NOT NULL,
    described  jsonb NOT NULL, -- what there is → dotted key → value
    applied_at timestamptz NOT NULL,
    PRIMARY KEY (host, file)
);
