-- Frames as they were received. Partitions, one a day (UTC), are made ahead and dropped when old.

CREATE TABLE frames (
    host_id  int NOT NULL,
    ts       timestamptz NOT NULL,
    boot_no  int NOT NULL,
    seq      bigint NOT NULL,
    is_key   boolean NOT NULL,
    paged    bigint,
    nonpaged bigint,
    payload  bytea NOT NULL,
    PRIMARY KEY (host_id, ts, boot_no, seq)
) PARTITION BY RANGE (ts);
-- Payloads are compressed already.
ALTER TABLE frames ALTER COLUMN payload SET STORAGE EXTERNAL;

CREATE TABLE events (
    host_id     int NOT NULL,
    time        timestamptz NOT NULL,
    channel     text NOT NULL,
    record_id   bigint NOT NULL,
    provider    text NOT NULL,
    event_id    int NOT NULL,
    level       smallint,
    computer    text,
    data        jsonb NOT NULL,
    exhaustion  jsonb,
    history     boolean NOT NULL,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (host_id, time, channel, record_id)
);
CREATE INDEX events_time_idx ON events (time DESC, host_id);

-- Texts that people imported, with what was understood of them.
CREATE TABLE evidence (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    host_id     int NOT NULL,
    name        text NOT NULL,
    sha256      bytea NOT NULL,
    content     bytea NOT NULL,
    summary     jsonb NOT NULL,
    imported_at timestamptz NOT NULL,
    CONSTRAINT evidence_content_key UNIQUE (host_id, sha256)
);
