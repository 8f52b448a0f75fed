-- Hosts. Those with an instance id run an agent; the others are known from scripts or imports.

CREATE TABLE hosts (
    id           int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    instance_id  uuid CONSTRAINT hosts_instance_id_key UNIQUE,
    name         text NOT NULL,
    facts        jsonb NOT NULL,
    machine_guid uuid,
    key_hash     bytea,
    enrolled_at  timestamptz NOT NULL,
    approved_at  timestamptz,
    retired_at   timestamptz,
    CHECK ((instance_id IS NULL) = (key_hash IS NULL))
);
CREATE INDEX hosts_machine_guid_idx ON hosts (machine_guid) WHERE machine_guid IS NOT NULL;
-- A name that scripts and imports use means one host.
CREATE UNIQUE INDEX hosts_name_without_agent_key ON hosts (lower(name)) WHERE instance_id IS NULL;
CREATE INDEX hosts_name_idx ON hosts (lower(name));

-- Boots of a host, numbered in the order in which the server met them.
CREATE TABLE boots (
    host_id int NOT NULL,
    boot_no int NOT NULL,
    boot_id uuid NOT NULL,
    PRIMARY KEY (host_id, boot_no),
    CONSTRAINT boots_boot_id_key UNIQUE (host_id, boot_id)
);

-- When a boot began, by the server's clock: the time of a frame is this plus its uptime. A better
-- estimate holds from a recorded sequence number on, so that a frame sent again keeps its time.
CREATE TABLE clock_anchors (
    host_id   int NOT NULL,
    boot_no   int NOT NULL,
    from_seq  bigint NOT NULL,
    booted_at timestamptz NOT NULL,
    PRIMARY KEY (host_id, boot_no, from_seq)
);

CREATE TABLE inventories (
    host_id     int PRIMARY KEY,
    received_at timestamptz NOT NULL,
    inventory   jsonb NOT NULL
);
