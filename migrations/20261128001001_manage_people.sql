-- What administrators do by the console: people, links that set passwords, sessions, tokens, second
-- factors, settings, and the log of all of it.

-- An empty password_hash opens nothing: no password was set yet.
ALTER TABLE users
    -- Sealed by the key in the server's data folder; null while it is not enabled.
    ADD COLUMN totp_secret    bytea,
    -- The latest time step whose code was taken: no code is taken twice.
    ADD COLUMN totp_last_step bigint NOT NULL DEFAULT 0;

-- Each opens the account once, where the authenticator is lost. SHA-256.
CREATE TABLE recovery_codes (
    user_id   int NOT NULL REFERENCES users ON DELETE CASCADE,
    code_hash bytea NOT NULL,
    PRIMARY KEY (user_id, code_hash)
);

-- A link by which a person sets their password, once. The token is known to who was given it; here is
-- its SHA-256. A person has at most one.
CREATE TABLE one_time_links (
    token_hash bytea PRIMARY KEY,
    -- Null: it makes the first administrator.
    user_id    int UNIQUE REFERENCES users ON DELETE CASCADE,
    expires_at timestamptz NOT NULL
);

ALTER TABLE sessions
    ADD COLUMN id           bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    ADD COLUMN last_used_at timestamptz,
    ADD COLUMN address      text NOT NULL DEFAULT '',
    ADD COLUMN user_agent   text NOT NULL DEFAULT '';
CREATE INDEX sessions_user_id_idx ON sessions (user_id);

ALTER TABLE api_tokens
    -- Null: a token of a service. Else it may do at most what the person may.
    ADD COLUMN user_id      int REFERENCES users ON DELETE CASCADE,
    ADD COLUMN created_by   text NOT NULL DEFAULT '',
    ADD COLUMN last_used_at timestamptz;
CREATE INDEX api_tokens_user_id_idx ON api_tokens (user_id);

-- What is set by the console, by name. Secrets in it are sealed by the key in the data folder.
CREATE TABLE settings (
    name       text PRIMARY KEY,
    value      jsonb NOT NULL,
    changed_at timestamptz NOT NULL,
    changed_by text NOT NULL
);

-- Every sign-in, and every request of a person or script that changes something.
CREATE TABLE audit_log (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at         timestamptz NOT NULL,
    -- `Ana (ana@example.com)`, `token backup`, `command line`, or the address that was typed.
    actor      text NOT NULL,
    address    text NOT NULL,
    -- `sign in`, or method and route: `POST /incidents/{id}/resolve`.
    action     text NOT NULL,
    -- What it was done to.
    target     text NOT NULL,
    outcome    text NOT NULL CHECK (outcome IN ('done', 'refused', 'failed')),
    detail     text NOT NULL,
    request_id text NOT NULL
);
CREATE INDEX audit_log_at_idx ON audit_log (at);

-- The log is added to, and forgotten when it is old; nobody changes it, and nothing younger than 700
-- days goes.
CREATE FUNCTION keep_audit_log() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND OLD.at < now() - interval '700 days' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'the audit log is append-only';
END
$$;

CREATE TRIGGER audit_log_is_append_only
    BEFORE UPDATE OR DELETE ON audit_log FOR EACH ROW EXECUTE FUNCTION keep_audit_log();
CREATE TRIGGER audit_log_is_not_emptied
    BEFORE TRUNCATE ON audit_log FOR EACH STATEMENT EXECUTE FUNCTION keep_audit_log();
