-- What frames become when they are old: minimum, mean and maximum per 10 minutes, then per hour.
-- Written by jobs from the frames, read by substring(): a block of 32 tags is found by the head.

-- Lists that chunks refer to by number instead of repeating them: the pool tags, or the names of
-- object types, of a host. Found by content; hosts of one image share them.
CREATE TABLE dictionaries (
    id      int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sha256  bytea NOT NULL CONSTRAINT dictionaries_sha256_key UNIQUE,
    content bytea NOT NULL
);

-- One hour of one host. frames and seq_sum tell which frames it was made of.
CREATE TABLE chunk_hour (
    host_id    int NOT NULL,
    start      timestamptz NOT NULL,
    frames     int NOT NULL,
    seq_sum    bigint NOT NULL,
    unreadable int NOT NULL,
    tags       int NOT NULL,
    types      int NOT NULL,
    head       bytea NOT NULL,
    blocks     bytea NOT NULL,
    PRIMARY KEY (host_id, start)
) PARTITION BY RANGE (start);
ALTER TABLE chunk_hour ALTER COLUMN blocks SET STORAGE EXTERNAL;

-- One day (UTC) of one host, made of its hours; still 10 minutes.
CREATE TABLE chunk_day (
    host_id int NOT NULL,
    start   timestamptz NOT NULL,
    tags    int NOT NULL,
    types   int NOT NULL,
    head    bytea NOT NULL,
    blocks  bytea NOT NULL,
    PRIMARY KEY (host_id, start)
) PARTITION BY RANGE (start);
ALTER TABLE chunk_day ALTER COLUMN blocks SET STORAGE EXTERNAL;

-- Hours of which frames came after they were due to be chunked. Appended by ingest in the statement
-- that stores the frames; a job rebuilds the chunks and removes the marks it has seen.
CREATE TABLE dirty_hours (
    host_id int NOT NULL,
    start   timestamptz NOT NULL,
    id      bigint GENERATED ALWAYS AS IDENTITY,
    PRIMARY KEY (host_id, start, id)
);
CREATE INDEX dirty_hours_start_idx ON dirty_hours (start);
