-- What people say of tags, and the administrator's pooltag.txt.

CREATE TABLE tag_notes (
    -- 'note': written in the console or by a script; 'pooltag': from an imported pooltag.txt.
    source     text NOT NULL CHECK (source IN ('note', 'pooltag')),
    -- As tags are printed; what is not printable ASCII is \xNN.
    tag        text NOT NULL CHECK (length(tag) BETWEEN 1 AND 16),
    -- Whether ? and * in it stand for other characters.
    is_group   boolean NOT NULL,
    owner      text,
    meaning    text NOT NULL,
    written_by text NOT NULL,
    written_at timestamptz NOT NULL,
    PRIMARY KEY (source, tag, is_group)
);
