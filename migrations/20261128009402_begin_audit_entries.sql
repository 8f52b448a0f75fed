-- An entry is written before anything is done, and afterwards told once what became of it: nothing is
-- done that the log does not know of. Nothing else of an entry ever changes.
ALTER TABLE audit_log
    DROP CONSTRAINT audit_log_outcome_check,
    ADD CONSTRAINT audit_log_outcome_check
        CHECK (outcome IN ('begun', 'done', 'refused', 'failed'));

CREATE OR REPLACE FUNCTION keep_audit_log() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND OLD.at < now() - interval '700 days' THEN
        RETURN OLD;
    END IF;
    IF TG_OP = 'UPDATE' AND OLD.outcome = 'begun' AND NEW.outcome <> 'begun'
        AND (NEW.id, NEW.at, NEW.actor, NEW.address, NEW.action, NEW.request_id)
            = (OLD.id, OLD.at, OLD.actor, OLD.address, OLD.action, OLD.request_id) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'the audit log is append-only';
END
$$;
