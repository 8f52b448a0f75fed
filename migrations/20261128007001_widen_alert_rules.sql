-- Rules beyond incidents: what is wrong on hosts, in programs and with the server itself. A rule has a
-- kind; those that come with Poolwatch are named like it, and people add others of the same kinds.
ALTER TABLE alert_rules
    ADD COLUMN kind text,
    ADD COLUMN threshold int NOT NULL DEFAULT 0 CHECK (threshold >= 0),
    ADD COLUMN minutes int NOT NULL DEFAULT 0 CHECK (minutes >= 0),
    -- Image name, of a rule about one program.
    ADD COLUMN program text,
    ADD COLUMN host_group text,
    ADD COLUMN host_pattern text,
    ADD COLUMN host_system text,
    ADD COLUMN host_role text,
    ALTER COLUMN left_h SET DEFAULT 0;
UPDATE alert_rules SET kind = name, threshold = left_h;

-- What a rule found in force: one row while it goes on on any host, and for 90 days after.
CREATE TABLE alerts (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    rule       text NOT NULL,
    opened_at  timestamptz NOT NULL,
    seen_at    timestamptz NOT NULL,
    ended_at   timestamptz,
    -- Hosts on which it goes on: the worst 200 with how bad it is there, and how many there are.
    hosts      jsonb NOT NULL,
    host_count int NOT NULL,
    -- Of them when people were told last, and when that was.
    told_count int NOT NULL,
    told_at    timestamptz NOT NULL
);
CREATE UNIQUE INDEX alerts_open_idx ON alerts (rule) WHERE ended_at IS NULL;
CREATE INDEX alerts_ended_at_idx ON alerts (ended_at);

-- The greatest value that a kind of rule measured in an hour on a host (0: the server itself), from
-- some floor on: what a threshold would have told of.
CREATE TABLE alert_peaks (
    kind    text NOT NULL,
    -- The program, of a rule about one.
    subject text NOT NULL,
    host_id int NOT NULL,
    hour    timestamptz NOT NULL,
    value   int NOT NULL,
    PRIMARY KEY (kind, subject, hour, host_id)
);
CREATE INDEX alert_peaks_hour_idx ON alert_peaks (hour);

-- A message may be about an alert of a rule instead of an incident.
ALTER TABLE outbox
    ADD COLUMN alert_id bigint,
    ADD COLUMN alert_change jsonb,
    -- A picture of what a mail is about, PNG.
    ADD COLUMN chart bytea,
    DROP CONSTRAINT outbox_words_check,
    ADD CONSTRAINT outbox_words_check CHECK (notice IS NOT NULL OR subject IS NOT NULL
        OR alert_id IS NOT NULL);
CREATE UNIQUE INDEX outbox_alert_waiting_idx ON outbox (alert_id)
    WHERE alert_id IS NOT NULL AND sent_at IS NULL;
