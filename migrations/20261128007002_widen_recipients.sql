-- What a channel's secret is, sealed by the key of the data folder. The server seals what is in
-- `secret` when it starts, and writes there no more.
ALTER TABLE recipients
    ADD COLUMN sealed_secret bytea,
    -- Messages in an hour that are not critical; those beyond wait.
    ADD COLUMN per_hour int NOT NULL DEFAULT 120 CHECK (per_hour > 0),
    -- What happened in a day or week, at an hour of a time zone.
    ADD COLUMN digest text CHECK (digest IN ('daily', 'weekly')),
    ADD COLUMN digest_hour int NOT NULL DEFAULT 8 CHECK (digest_hour BETWEEN 0 AND 23),
    ADD COLUMN zone text NOT NULL DEFAULT 'UTC',
    ADD COLUMN digest_at timestamptz,
    DROP CONSTRAINT recipients_kind_check,
    ADD CONSTRAINT recipients_kind_check CHECK (kind IN ('mail', 'webhook', 'teams', 'slack',
        'pagerduty', 'opsgenie', 'servicenow', 'syslog'));
CREATE INDEX deliveries_sent_to_idx ON deliveries (kind, address, sent_at) WHERE sent_at IS NOT NULL;

-- Windows that recur: each time one comes near, it becomes a silence.
CREATE TABLE recurring_windows (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tag          text,
    host_group   text,
    host_pattern text,
    reason       text NOT NULL,
    created_by   text NOT NULL,
    created_at   timestamptz NOT NULL,
    zone         text NOT NULL,
    -- Bit 0 is Monday.
    weekdays     int NOT NULL CHECK (weekdays BETWEEN 1 AND 127),
    -- Local times of day, minutes; one that ends before it begins ends on the next day.
    begins       int NOT NULL CHECK (begins BETWEEN 0 AND 1439),
    ends         int NOT NULL CHECK (ends BETWEEN 0 AND 1439),
    -- None begins later than this.
    last_at      timestamptz NOT NULL
);
ALTER TABLE silences ADD COLUMN window_id bigint;
CREATE UNIQUE INDEX silences_window_idx ON silences (window_id, starts_at) WHERE window_id IS NOT NULL;
