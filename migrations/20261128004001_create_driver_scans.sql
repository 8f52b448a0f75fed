-- What scans of driver files found, by the file's SHA-256: each file is scanned once in a fleet.

CREATE TABLE driver_scans (
    sha256     bytea PRIMARY KEY CHECK (octet_length(sha256) = 32),
    name       text NOT NULL,
    version    text,
    company    text,
    is_partial boolean NOT NULL,
    scanned_by int NOT NULL,
    scanned_at timestamptz NOT NULL,
    -- When a host last told that it has the file, to within a day.
    seen_at    timestamptz NOT NULL
);
CREATE INDEX driver_scans_seen_at_idx ON driver_scans (seen_at);
CREATE INDEX driver_scans_name_idx ON driver_scans (name);

CREATE TABLE driver_scan_tags (
    tag             text NOT NULL,
    sha256          bytea NOT NULL,
    allocations     int NOT NULL,
    frees           int NOT NULL,
    arguments       int NOT NULL,
    numbers         int NOT NULL,
    is_service_name boolean NOT NULL,
    PRIMARY KEY (tag, sha256)
);
CREATE INDEX driver_scan_tags_sha256_idx ON driver_scan_tags (sha256);
