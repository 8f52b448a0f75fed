-- Texts that people brought for a diagnosis, with the diagnosis. They are forgotten after some days;
-- what is kept for a host is copied to evidence.
CREATE TABLE uploads (
    id          uuid PRIMARY KEY,
    uploaded_at timestamptz NOT NULL,
    uploaded_by text NOT NULL,
    findings    json NOT NULL,
    kept_for    int
);
CREATE INDEX uploads_uploaded_at_idx ON uploads (uploaded_at DESC);

CREATE TABLE upload_files (
    upload_id uuid NOT NULL REFERENCES uploads ON DELETE CASCADE,
    no        int NOT NULL,
    name      text NOT NULL,
    content   bytea NOT NULL,
    PRIMARY KEY (upload_id, no)
);
