-- What is derived from statuses and outlives their rings: charge sessions, trips, roll-ups by hour and day. Bounded by
-- retention.rollup_days. evd.derived says what the columns mean; `vehicle` is vehicles.number.

-- Roll-ups of hours (UTC); of an hour in which the vehicle's own day ends there are two.
CREATE TABLE hour_parts (
    vehicle INTEGER NOT NULL,
    start   INTEGER NOT NULL,              -- epoch ms
    day     INTEGER NOT NULL,              -- in the vehicle's zone, since 1970-01-01
    data    TEXT NOT NULL,                 -- JSON: evd.derived.rollups.written
    PRIMARY KEY (vehicle, start)
) STRICT, WITHOUT ROWID;

-- Charge sessions and trips that ended, by the status that showed the end.
CREATE TABLE activities (
    vehicle      INTEGER NOT NULL,
    time         INTEGER NOT NULL,         -- of that status, with its seqNumber and id
    seq          INTEGER NOT NULL,
    id           TEXT NOT NULL,
    kind         INTEGER NOT NULL,         -- 1: a charge session, 3: a trip (the values of `state`)
    start        INTEGER NOT NULL,
    ended        INTEGER NOT NULL,
    start_charge REAL,                     -- %
    end_charge   REAL,
    start_range  REAL,                     -- km
    end_range    REAL,
    start_place  TEXT,
    end_place    TEXT,
    peak         REAL,                     -- A
    current      INTEGER NOT NULL,         -- mA times ms, twice
    way          INTEGER NOT NULL,         -- m, in straight lines
    messages     INTEGER NOT NULL,
    inferred     INTEGER NOT NULL,         -- no status shows it, or its beginning
    PRIMARY KEY (vehicle, time, seq, id, kind)
) STRICT, WITHOUT ROWID;
