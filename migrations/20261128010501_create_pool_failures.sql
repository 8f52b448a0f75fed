-- What the Server service of a host could not allocate from pool, by its own counters: what came since
-- the snapshot before. Kept for 30 days.
CREATE TABLE pool_failures (
    host_id  integer NOT NULL,
    at       timestamptz NOT NULL,
    nonpaged bigint NOT NULL CHECK (nonpaged >= 0),
    paged    bigint NOT NULL CHECK (paged >= 0),
    PRIMARY KEY (host_id, at)
);
CREATE INDEX pool_failures_at_idx ON pool_failures (at);
