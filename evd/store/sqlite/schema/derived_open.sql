-- What is open of each vehicle, after one of its newest statuses; those that came since are in its ring.
CREATE TABLE derived (
    vehicle INTEGER PRIMARY KEY,
    state   TEXT NOT NULL,                 -- JSON: evd.derived.fold.SavedState
    time    INTEGER NOT NULL,              -- of that status
    seq     INTEGER NOT NULL,
    id      TEXT NOT NULL,
    fields  TEXT NOT NULL,
    start   INTEGER NOT NULL,              -- of its part, as in hour_parts
    day     INTEGER NOT NULL,
    data    TEXT NOT NULL
) STRICT;
