-- Addresses of the console that a person keeps by a name. They go with the person; how many one
-- person may keep is the server's to say.
CREATE TABLE saved_views (
    user_id  int NOT NULL REFERENCES users ON DELETE CASCADE,
    name     text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 100),
    address  text NOT NULL CHECK (address LIKE '/%' AND octet_length(address) <= 2000),
    saved_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, name)
);
