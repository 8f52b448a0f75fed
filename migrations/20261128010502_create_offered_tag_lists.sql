-- Lists of pool tags (pooltag.txt) that are on hosts, for an operator to take in or turn down: then the
-- text goes and the file stays known. Kept for 90 days.
CREATE TABLE offered_tag_lists (
    sha256     bytea PRIMARY KEY CHECK (octet_length(sha256) = 32),
    host_id    integer NOT NULL,
    path       text NOT NULL,
    entries    integer NOT NULL,
    content    text,
    offered_at timestamptz NOT NULL
);
