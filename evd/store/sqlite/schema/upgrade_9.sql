-- From schema 8 to 9, for files that had the tables of derived.sql already. What is open of each vehicle is derived again
-- from its ring; days are their hours.

DROP TABLE past_day_rollups;
DROP TABLE derived;
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
