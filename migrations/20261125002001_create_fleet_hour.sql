-- How an hour ended on 1,000 hosts, by tag: what "a tag over all hosts" reads a bucket of, by its
-- bounds. Hosts whose frames came late are in a later part, which counts for them.
CREATE TABLE fleet_hour (
    first_host int NOT NULL,
    start      timestamptz NOT NULL,
    part       int NOT NULL,
    bounds     int[] NOT NULL,
    buckets    bytea NOT NULL,
    PRIMARY KEY (first_host, start, part)
) PARTITION BY RANGE (start);
ALTER TABLE fleet_hour ALTER COLUMN buckets SET STORAGE EXTERNAL;
