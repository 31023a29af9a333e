-- Rejected requests that were forgotten by hand within the last day, the newest thousand: `evd rejected restore`.
CREATE TABLE forgotten (
    number    INTEGER PRIMARY KEY,
    forgotten INTEGER NOT NULL,            -- when, epoch ms
    digest    BLOB NOT NULL,               -- this and what follows as in rejected
    times     INTEGER NOT NULL,
    received  INTEGER NOT NULL,
    route     TEXT NOT NULL,
    error     TEXT NOT NULL,
    detail    TEXT NOT NULL,
    headers   TEXT NOT NULL,
    body      BLOB NOT NULL,
    is_text   INTEGER NOT NULL,
    client    TEXT NOT NULL
) STRICT;
