-- What changed among the drivers of a host from one inventory to the next.

CREATE TABLE driver_changes (
    host_id int NOT NULL,
    at      timestamptz NOT NULL,
    name    text NOT NULL,
    kind    text NOT NULL CHECK (kind IN ('added', 'removed', 'changed')),
    before  text,
    after   text
);
CREATE INDEX driver_changes_host_id_at_idx ON driver_changes (host_id, at);
CREATE INDEX driver_changes_at_idx ON driver_changes (at);
