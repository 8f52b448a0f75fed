-- How long a host has left by what was found of it last, seconds: 0 of what is exhausted. It is kept
-- with the judgement, so that the view of the fleet reads no judgements.
ALTER TABLE incident_hosts ADD COLUMN left_s bigint GENERATED ALWAYS AS (
    CASE diagnosis->>'verdict' WHEN 'exhausted' THEN 0
        ELSE least((diagnosis#>>'{time_left,likely_s}')::numeric, 9223372036854775807)::bigint END
) STORED;

-- The incident that somebody made it part of: what is found of its cause goes there.
ALTER TABLE incidents ADD COLUMN merged_into bigint;

-- The text of a merge is the number of the other incident; of a confirmation, who was suspected.
ALTER TABLE incident_notes
    DROP CONSTRAINT incident_notes_kind_check,
    ADD CONSTRAINT incident_notes_kind_check CHECK (kind IN ('state', 'owner', 'comment',
        'acknowledged', 'silenced', 'silence_ended', 'reopened', 'merged_into', 'took_in',
        'confirmed', 'refuted'));
