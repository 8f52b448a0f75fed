-- Who is told of incidents beside those on the command line, what nobody is told for a while, and what
-- became of each message at each recipient.

CREATE TABLE recipients (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind         text NOT NULL CHECK (kind IN ('mail', 'webhook', 'teams', 'slack', 'pagerduty')),
    name         text NOT NULL,
    -- A mail address or a URL.
    address      text NOT NULL,
    -- What signs a webhook, or PagerDuty's key.
    secret       text,
    least_level  text NOT NULL CHECK (least_level IN ('note', 'warning', 'critical')),
    host_group   text,
    host_pattern text,
    created_by   text NOT NULL,
    created_at   timestamptz NOT NULL,
    CONSTRAINT recipients_address_key UNIQUE (kind, address)
);

CREATE TABLE silences (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- All that is said has to hold.
    incident_id  bigint,
    host_id      int,
    tag          text,
    host_group   text,
    host_pattern text,
    reason       text NOT NULL,
    created_by   text NOT NULL,
    created_at   timestamptz NOT NULL,
    starts_at    timestamptz NOT NULL,
    ends_at      timestamptz NOT NULL,
    -- How bad the incident was, where the silence ends once it is worse.
    worse_than   jsonb,
    ended_by     text,
    CONSTRAINT silences_order_check CHECK (starts_at <= ends_at)
);
CREATE INDEX silences_ends_at_idx ON silences (ends_at);

-- A message goes to each recipient by itself.
CREATE TABLE deliveries (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    message_id   bigint NOT NULL,
    incident_id  bigint,
    -- None of the command line's.
    recipient_id bigint,
    kind         text NOT NULL,
    address      text NOT NULL,
    created_at   timestamptz NOT NULL,
    not_before   timestamptz NOT NULL,
    leased_until timestamptz,
    attempts     int NOT NULL DEFAULT 0,
    -- What the other side said last.
    answer       text,
    sent_at      timestamptz,
    gave_up_at   timestamptz,
    CONSTRAINT deliveries_message_key UNIQUE (message_id, kind, address)
);
CREATE INDEX deliveries_open_idx ON deliveries (not_before)
    WHERE sent_at IS NULL AND gave_up_at IS NULL;
CREATE INDEX deliveries_incident_id_idx ON deliveries (incident_id, id DESC);
CREATE INDEX deliveries_given_up_idx ON deliveries (id) WHERE gave_up_at IS NOT NULL;

-- sent_at says when a message was handed to its recipients' deliveries; is_held that a silence or a
-- rule's threshold keeps it back, held_by which silence; level how bad it is.
ALTER TABLE outbox
    ADD COLUMN is_held boolean NOT NULL DEFAULT false,
    ADD COLUMN held_by bigint,
    ADD COLUMN level text;
CREATE INDEX outbox_held_by_idx ON outbox (held_by) WHERE sent_at IS NULL;

ALTER TABLE incidents
    ADD COLUMN acknowledged_by text,
    ADD COLUMN acknowledged_at timestamptz;
ALTER TABLE incident_notes
    DROP CONSTRAINT incident_notes_kind_check,
    ADD CONSTRAINT incident_notes_kind_check CHECK (kind IN ('state', 'owner', 'comment',
        'acknowledged', 'silenced', 'silence_ended'));

-- Rules of which people are told otherwise than by default.
CREATE TABLE alert_rules (
    name        text PRIMARY KEY,
    is_on       boolean NOT NULL,
    least_hosts int NOT NULL CHECK (least_hosts > 0),
    -- Hours that a pool has left at most; 0 whatever it has left.
    left_h      int NOT NULL CHECK (left_h >= 0),
    changed_by  text NOT NULL,
    changed_at  timestamptz NOT NULL
);

-- How alerting is set up; one row.
CREATE TABLE alert_settings (
    only_row            boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    -- Webhooks to loopback, link-local and private addresses.
    allows_private      boolean NOT NULL DEFAULT false,
    -- Where a sign of life goes; mail to the command line's recipients, a URL, or neither.
    heartbeat           text CHECK (heartbeat IN ('mail', 'url')),
    heartbeat_url       text,
    heartbeat_every_s   int NOT NULL DEFAULT 86400,
    heartbeat_at        timestamptz,
    heartbeat_answer    text
);
INSERT INTO alert_settings DEFAULT VALUES;
