-- An incident has one record, made of what was found on all its hosts: the worst host leads it.

-- What counts of each host of an incident: its latest judgement, a milder one only after a while.
CREATE TABLE incident_hosts (
    incident_id bigint NOT NULL,
    host_id     int NOT NULL,
    diagnosis   jsonb NOT NULL,
    PRIMARY KEY (incident_id, host_id)
);
INSERT INTO incident_hosts (incident_id, host_id, diagnosis)
    SELECT DISTINCT ON (incident_id, host_id) incident_id, host_id, diagnosis
    FROM findings ORDER BY incident_id, host_id, at DESC;

ALTER TABLE incidents RENAME COLUMN standing TO lifecycle;
-- The host that the record is about.
ALTER TABLE incidents ADD COLUMN worst_host int;
UPDATE incidents SET worst_host = (
    SELECT host_id FROM findings WHERE incident_id = id ORDER BY at DESC LIMIT 1);

-- Incidents of before lifecycles were kept get one of the hosts that they were found on.
UPDATE incidents SET lifecycle = jsonb_build_object(
    'state', state,
    'told_per_day', 0,
    'told_hosts', 1,
    'told_soon', false,
    'resolved', CASE WHEN state = 'resolved' THEN to_jsonb(last_seen_at) END,
    'hosts', coalesce((
        SELECT jsonb_object_agg(host_id, jsonb_build_object(
            'since', first, 'grew', last, 'per_day', 0, 'failed_uptime_s', 0,
            'restarted', CASE WHEN state = 'reset_by_reboot' THEN to_jsonb(last) END,
            'cleared', state = 'resolved'))
        FROM (SELECT host_id, min(at) AS first, max(at) AS last
              FROM findings WHERE incident_id = id GROUP BY host_id) AS found), '{}'))
    WHERE lifecycle IS NULL;

-- What the lifecycle remembers of each host has its judgement in short.
UPDATE incidents SET lifecycle = lifecycle
    || jsonb_build_object('told_verdict', diagnosis->'verdict', 'hosts', coalesce((
        SELECT jsonb_object_agg(key, value || jsonb_build_object(
            'judged', value->'grew',
            'verdict', coalesce(kept.diagnosis, incidents.diagnosis)->'verdict',
            'left_s', coalesce(kept.diagnosis, incidents.diagnosis)->'time_left'->'likely_s',
            'confidence', 0))
        FROM jsonb_each(lifecycle->'hosts')
        LEFT JOIN incident_hosts AS kept ON incident_id = id AND host_id = key::int), '{}'));
ALTER TABLE incidents ALTER COLUMN lifecycle SET NOT NULL;

-- A message about an incident waits for what belongs to it, and is put into words when it is sent:
-- it says what the console says then.
ALTER TABLE outbox
    ADD COLUMN incident_id bigint,
    ADD COLUMN notice jsonb,
    ALTER COLUMN subject DROP NOT NULL,
    ALTER COLUMN body_text DROP NOT NULL,
    ALTER COLUMN body_html DROP NOT NULL,
    ADD CONSTRAINT outbox_words_check CHECK (notice IS NOT NULL OR subject IS NOT NULL);
CREATE INDEX outbox_incident_id_idx ON outbox (incident_id) WHERE sent_at IS NULL;
