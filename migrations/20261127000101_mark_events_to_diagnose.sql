-- Events that a diagnosis of their host has to follow: it is made in a job of its own, after they are
-- acknowledged, and one for all that wait meanwhile. Those that were stored before had theirs.
ALTER TABLE events ADD COLUMN awaits_diagnosis boolean NOT NULL DEFAULT false;
CREATE INDEX events_awaiting_idx ON events (host_id, time) WHERE awaits_diagnosis;
