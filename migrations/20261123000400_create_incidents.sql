-- What was judged, what it was grouped into, and what has to be told or done.

CREATE TABLE incidents (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    cause_key    text NOT NULL,
    cause        jsonb NOT NULL,
    state        text NOT NULL CHECK (state IN ('open', 'reset_by_reboot', 'resolved')),
    opened_at    timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    findings     bigint NOT NULL,
    diagnosis    jsonb NOT NULL
);
CREATE UNIQUE INDEX incidents_unresolved_cause_key ON incidents (cause_key)
    WHERE state <> 'resolved';
CREATE INDEX incidents_last_seen_at_idx ON incidents (last_seen_at DESC);

CREATE TABLE findings (
    incident_id bigint NOT NULL,
    host_id     int NOT NULL,
    at          timestamptz NOT NULL,
    diagnosis   jsonb NOT NULL,
    PRIMARY KEY (incident_id, host_id, at)
);
CREATE INDEX findings_host_id_idx ON findings (host_id, at DESC);

-- Messages to be sent. A row is written in the transaction that changes the state it tells of, so
-- neither can be without the other.
CREATE TABLE outbox (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    dedup_key    text NOT NULL CONSTRAINT outbox_dedup_key UNIQUE,
    subject      text NOT NULL,
    body_text    text NOT NULL,
    body_html    text NOT NULL,
    created_at   timestamptz NOT NULL,
    not_before   timestamptz NOT NULL,
    leased_until timestamptz,
    attempts     int NOT NULL DEFAULT 0,
    last_error   text,
    sent_at      timestamptz
);
CREATE INDEX outbox_unsent_idx ON outbox (not_before) WHERE sent_at IS NULL;

-- Work that is due once per kind, time bucket and range of hosts.
CREATE TABLE jobs (
    kind         text NOT NULL,
    bucket       timestamptz NOT NULL,
    first_host   int NOT NULL DEFAULT 0,
    leased_until timestamptz,
    attempts     int NOT NULL DEFAULT 0,
    last_error   text,
    done_at      timestamptz,
    PRIMARY KEY (kind, bucket, first_host)
);
CREATE INDEX jobs_open_idx ON jobs (bucket) WHERE done_at IS NULL;
