-- Hosts whose standing changed: retired, approved, or with another key. The server takes rows out as it
-- reads them, so that what it remembers of a host is right within a second, whoever changed it.
CREATE TABLE host_changes (
    host_id int NOT NULL
);

CREATE FUNCTION note_host_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO host_changes (host_id) VALUES (OLD.id);
    RETURN NULL;
END
$$;

CREATE TRIGGER hosts_standing_changed
    AFTER UPDATE OF retired_at, approved_at, key_hash OR DELETE ON hosts
    FOR EACH ROW EXECUTE FUNCTION note_host_change();
