-- What became of an incident: changes of its state and of its owner, and what people say of it.

CREATE TABLE incident_notes (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    incident_id bigint NOT NULL,
    at          timestamptz NOT NULL,
    -- Name of the person or script; null where the server did it by itself.
    written_by  text,
    kind        text NOT NULL CHECK (kind IN ('state', 'owner', 'comment')),
    -- The state, the name of the owner (empty for nobody), or what is said.
    text        text NOT NULL CHECK (length(text) <= 4000)
);
CREATE INDEX incident_notes_incident_id_idx ON incident_notes (incident_id, id DESC);

-- Name of the person who looks after it.
ALTER TABLE incidents ADD COLUMN owner text;

-- For the incidents of before: when they began.
INSERT INTO incident_notes (incident_id, at, kind, text)
    SELECT id, opened_at, 'state', 'open' FROM incidents;
