-- What is known of an enrolment, and what became of it.
ALTER TABLE hosts
    ADD COLUMN enrolled_from text,
    ADD COLUMN enrolment_token_id int,
    ADD COLUMN refused_at timestamptz,
    -- Who approved, refused or archived it last: a person, a script or a rule.
    ADD COLUMN decided_by text,
    ADD COLUMN approved_by_rule int,
    -- A name that it had before.
    ADD COLUMN former_name text,
    ADD COLUMN renamed_at timestamptz,
    -- Somebody said that it is another machine than those of the same identity or name.
    ADD COLUMN kept_apart_at timestamptz;
CREATE INDEX hosts_not_approved_idx ON hosts (id) WHERE approved_at IS NULL;

ALTER TABLE enrolment_tokens
    ADD COLUMN created_by text,
    ADD COLUMN max_uses int CHECK (max_uses > 0),
    ADD COLUMN uses int NOT NULL DEFAULT 0,
    ADD COLUMN per_minute int CHECK (per_minute > 0),
    ADD COLUMN last_used_at timestamptz,
    -- Uses in the minute that began then.
    ADD COLUMN minute timestamptz,
    ADD COLUMN uses_in_minute int NOT NULL DEFAULT 0,
    -- Earlier versions read it; now rules alone approve.
    ALTER COLUMN auto_approve SET DEFAULT false;

-- Which hosts need no person to approve them. The first rule by place that matches approves; what a
-- rule does not name is not asked for.
CREATE TABLE approval_rules (
    id            int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    place         int NOT NULL,
    name          text NOT NULL,
    name_pattern  text,
    domain        text,
    address_range text,
    token_id      int REFERENCES enrolment_tokens,
    created_at    timestamptz NOT NULL,
    created_by    text NOT NULL
);
INSERT INTO approval_rules (place, name, token_id, created_at, created_by)
SELECT row_number() OVER (ORDER BY id), 'Hosts of token ' || name, id, created_at, 'an earlier version'
FROM enrolment_tokens WHERE auto_approve AND revoked_at IS NULL;

-- Enrolments that were refused, and why; tries of the same kind are one row.
CREATE TABLE refused_enrolments (
    name          text NOT NULL,
    address       text NOT NULL,
    reason        text NOT NULL,
    token_name    text,
    agent_version text,
    first_at      timestamptz NOT NULL,
    last_at       timestamptz NOT NULL,
    times         bigint NOT NULL,
    PRIMARY KEY (name, address, reason)
);
CREATE INDEX refused_enrolments_last_at_idx ON refused_enrolments (last_at);
