-- What is left when days are gone: a week of one host, made of its days, one point an hour. Weeks
-- begin on Thursdays (UTC), as the first one of 1970 did.
CREATE TABLE chunk_week (
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
ALTER TABLE chunk_week ALTER COLUMN blocks SET STORAGE EXTERNAL;

-- The sums over the hours that a day was made of (and, of a week, over its days): hours go only when
-- their day was made of them. A day of before is made anew when its hours are looked at.
ALTER TABLE chunk_day
    ADD COLUMN frames     int NOT NULL DEFAULT 0,
    ADD COLUMN seq_sum    bigint NOT NULL DEFAULT 0,
    ADD COLUMN unreadable int NOT NULL DEFAULT 0;
