-- Whether the database takes writes: the server changes this row when it is asked whether it is ready.
CREATE TABLE write_probe (
    only_row   boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    written_at timestamptz NOT NULL
);
