-- Groups of hosts by rules, labels and notes of hosts, and who sees which groups.

CREATE TABLE host_groups (
    id         int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name       text NOT NULL,
    -- A list of rules; a host that meets one of them belongs to the group.
    rules      jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    created_by text NOT NULL
);
CREATE UNIQUE INDEX host_groups_name_key ON host_groups (lower(name));

ALTER TABLE hosts
    ADD COLUMN labels text[] NOT NULL DEFAULT '{}',
    -- Groups that its token, or the rule that approved it, puts it into.
    ADD COLUMN group_ids int[] NOT NULL DEFAULT '{}',
    ADD COLUMN note text NOT NULL DEFAULT '';

-- What hosts get that come by a token, or by a rule.
ALTER TABLE enrolment_tokens
    ADD COLUMN labels text[] NOT NULL DEFAULT '{}',
    ADD COLUMN group_id int REFERENCES host_groups;
ALTER TABLE approval_rules
    ADD COLUMN labels text[] NOT NULL DEFAULT '{}',
    ADD COLUMN group_id int REFERENCES host_groups;

-- Groups whose hosts a person or token sees; null: all hosts.
ALTER TABLE users ADD COLUMN scope int[];
ALTER TABLE api_tokens ADD COLUMN scope int[];

DROP TRIGGER hosts_standing_changed ON hosts;
CREATE TRIGGER hosts_standing_changed
    AFTER UPDATE OF retired_at, approved_at, key_hash, labels, group_ids, note OR DELETE ON hosts
    FOR EACH ROW EXECUTE FUNCTION note_host_change();
