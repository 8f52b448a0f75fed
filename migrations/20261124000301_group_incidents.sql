-- An incident is one cause over one or many hosts. What its lifecycle remembers of each is kept
-- with it, and so are the hosts on which it goes on, what was seen around its last event, and what
-- tells those hosts from healthy ones.

ALTER TABLE incidents
    DROP CONSTRAINT incidents_state_check,
    ADD CONSTRAINT incidents_state_check CHECK (state IN ('open', 'growing', 'worsening', 'quiet',
        'reset_by_reboot', 'resolved', 'regressed')),
    ADD COLUMN standing jsonb,
    ADD COLUMN hosts int[] NOT NULL DEFAULT '{}',
    ADD COLUMN picture jsonb,
    ADD COLUMN comparison jsonb;
CREATE INDEX incidents_cause_key_idx ON incidents (cause_key, id DESC);
