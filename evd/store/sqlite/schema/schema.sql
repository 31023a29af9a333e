-- evd's database: one file, inspected with `sqlite3 -readonly evd.db`. Start with the views (views.sql): fleet, history,
-- pushes, rejections. Times are epoch milliseconds in the tables, UTC text in the views. Works in SQLite 3.40's shell.

CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE vehicles (
    number  INTEGER PRIMARY KEY,
    vehicle TEXT NOT NULL UNIQUE,          -- the id in its normal form
    name    TEXT,
    format  TEXT,                          -- a format's name or a grammar; null: the default format
    keep    INTEGER CHECK (keep > 0),      -- statuses kept; null: retention.statuses_per_vehicle
    slots   INTEGER NOT NULL,              -- its circle: so many slots, so many of them taken, and the slot of the newest
    kept    INTEGER NOT NULL DEFAULT 0,    -- status; the one before it is the one before that, round the circle. Up to
    newest  INTEGER NOT NULL DEFAULT -1,   -- seven statuses may have followed since: the view `capacities` counts them.
    too_old INTEGER NOT NULL DEFAULT 0,    -- statuses that came when the ring was full of newer ones
    created INTEGER NOT NULL,
    counted     INTEGER NOT NULL DEFAULT -1, -- the newest frame with a seqNumber that was counted: its time and seqNumber;
    counted_seq INTEGER NOT NULL DEFAULT -1, -- and of its day (UTC), so far: frames received, frames lost before them,
    received    INTEGER NOT NULL DEFAULT 0,  -- restarts of the count. Written with the shape; the view `days` walks on.
    lost        INTEGER NOT NULL DEFAULT 0,
    resets      INTEGER NOT NULL DEFAULT 0,  -- counted = -2: its ring is older than the count and is counted when it speaks.
    overflow    INTEGER NOT NULL DEFAULT 0   -- statuses of its ring beside the circle: the table `overflow`
) STRICT;

-- The rings: a vehicle's rows are neighbours, and a full ring is overwritten in place.
CREATE TABLE statuses (
    place        INTEGER PRIMARY KEY,      -- vehicles.number * 1048576 + slot; below zero: see the table `overflow`
    timely       INTEGER NOT NULL,         -- 0: its time lay more than 24 h ahead of the server's
    time         INTEGER NOT NULL,
    seq          INTEGER NOT NULL,         -- -1: none
    id           TEXT NOT NULL,
    received     INTEGER NOT NULL,
    connectivity INTEGER NOT NULL,         -- 1 Sigfox, 2 WLAN
    payload      BLOB,
    fields       TEXT NOT NULL,            -- JSON, under the app's names; what is not plausible in `implausible`, apart
    document     TEXT NOT NULL,            -- as it was received
    flags        TEXT NOT NULL,            -- words. ahead: see timely; disagrees: the sender's values contradict the payload;
                                           -- undecoded: the sender's stand alone; implausible, unread: some value is;
                                           -- alone: of DATA_ADVANCED, whose DATA did not come
    radio        TEXT,                     -- JSON: what the network found out about the message, by source
    activity     TEXT                      -- JSON: the charge session or trip that is open after it (evd.derived.activities)
) STRICT;

CREATE TABLE owners (
    uid      TEXT NOT NULL,
    vehicle  TEXT NOT NULL,
    created  INTEGER NOT NULL,
    relation TEXT NOT NULL DEFAULT 'owner',  -- owner, or viewer: with whom an owner shares the vehicle, to look at
    imported TEXT,                         -- JSON: attributes of its DynamoDB item that no column has
    PRIMARY KEY (uid, vehicle)
) STRICT, WITHOUT ROWID;
CREATE INDEX owners_of_vehicle ON owners (vehicle);

CREATE TABLE rejected (
    number   INTEGER PRIMARY KEY,
    digest   BLOB NOT NULL UNIQUE,         -- of route and body: the same refusal is kept once
    times    INTEGER NOT NULL DEFAULT 1,
    received INTEGER NOT NULL,             -- the last time
    route    TEXT NOT NULL,
    error    TEXT NOT NULL,
    detail   TEXT NOT NULL,
    headers  TEXT NOT NULL,
    body     BLOB NOT NULL,
    is_text  INTEGER NOT NULL DEFAULT 0,   -- 1: the body is UTF-8; what is not can be given as bytes only
    client   TEXT NOT NULL DEFAULT ''      -- the address that it came from, the last time
) STRICT;

CREATE TABLE keys (
    id      TEXT PRIMARY KEY,
    role    TEXT NOT NULL,
    digest  BLOB NOT NULL,                 -- SHA-256 of the key
    name    TEXT NOT NULL,
    vehicle TEXT,                          -- the one vehicle it may speak for
    created INTEGER NOT NULL,
    revoked INTEGER
) STRICT, WITHOUT ROWID;
