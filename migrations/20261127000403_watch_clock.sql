-- The server's clock as it was last seen, and since when it has gone on steadily and agreed with the
-- database's: nothing is deleted for its age before that was so for a day.
CREATE TABLE clock_watch (
    only_row     boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    seen_at      timestamptz NOT NULL,
    steady_since timestamptz NOT NULL
);

-- Events in the order in which they were written, as far as the clock of their host can be believed:
-- none was written after it came.
CREATE INDEX events_order_idx ON events (least(time, received_at) DESC, host_id, record_id DESC);
CREATE INDEX events_received_at_idx ON events (received_at);
DROP INDEX events_time_idx;
