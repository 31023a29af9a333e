-- The tables as evd made them at schema version 2, before it counted frames: a file of then, for tests of upgrading.

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
    slots   INTEGER NOT NULL,              -- its ring: so many slots, so many of them taken, and the slot of the newest
    kept    INTEGER NOT NULL DEFAULT 0,    -- status; the one before it is the one before that, round the circle. Up to
    newest  INTEGER NOT NULL DEFAULT -1,   -- seven statuses may have followed since: the view `capacities` counts them.
    too_old INTEGER NOT NULL DEFAULT 0,    -- statuses that came when the ring was full of newer ones
    created INTEGER NOT NULL
) STRICT;

-- The rings: a vehicle's rows stand side by side, and a full ring is written over in place.
CREATE TABLE statuses (
    place        INTEGER PRIMARY KEY,      -- vehicles.number * 1048576 + slot
    timely       INTEGER NOT NULL,         -- 0: its time lay more than 24 h ahead of the server's
    time         INTEGER NOT NULL,
    seq          INTEGER NOT NULL,         -- -1: none
    id           TEXT NOT NULL,
    received     INTEGER NOT NULL,
    connectivity INTEGER NOT NULL,         -- 1 Sigfox, 2 WLAN
    payload      BLOB,
    fields       TEXT NOT NULL,            -- JSON, under the app's names
    document     TEXT NOT NULL,            -- as it was received
    flags        TEXT NOT NULL             -- ahead: see timely; disagrees: the sender's values contradict the payload
) STRICT;

CREATE TABLE owners (
    uid     TEXT NOT NULL,
    vehicle TEXT NOT NULL,
    created INTEGER NOT NULL,
    PRIMARY KEY (uid, vehicle)
) STRICT, WITHOUT ROWID;
CREATE INDEX owners_of_vehicle ON owners (vehicle);

CREATE TABLE registrations (
    vehicle  TEXT NOT NULL,
    token    TEXT NOT NULL,
    spelling TEXT NOT NULL,                -- how this phone writes the vehicle's id
    uid      TEXT NOT NULL,
    created  INTEGER NOT NULL,
    renewed  INTEGER NOT NULL,
    PRIMARY KEY (vehicle, token)
) STRICT, WITHOUT ROWID;
CREATE INDEX registrations_of_token ON registrations (token);

-- Pushes not yet taken by FCM; written in the transaction of their status.
CREATE TABLE outbox (
    number     INTEGER PRIMARY KEY,
    vehicle    TEXT NOT NULL,
    token      TEXT NOT NULL,
    status_id  TEXT NOT NULL,
    serialized TEXT NOT NULL,
    created    INTEGER NOT NULL,
    expires    INTEGER NOT NULL,
    due        INTEGER NOT NULL,
    attempts   INTEGER NOT NULL DEFAULT 0,
    outcome    TEXT NOT NULL DEFAULT ''    -- of the last attempt
) STRICT;
CREATE INDEX outbox_by_due ON outbox (due, number);
CREATE INDEX outbox_by_phone ON outbox (vehicle, token);

-- The newest finished pushes.
CREATE TABLE pushed (
    number    INTEGER PRIMARY KEY,
    vehicle   TEXT NOT NULL,
    token     TEXT NOT NULL,
    status_id TEXT NOT NULL,
    created   INTEGER NOT NULL,
    finished  INTEGER NOT NULL,
    outcome   TEXT NOT NULL                -- FCM's message id, or why it was given up
) STRICT;

CREATE TABLE rejected (
    number   INTEGER PRIMARY KEY,
    digest   BLOB NOT NULL UNIQUE,         -- of route and body: the same refusal is kept once
    times    INTEGER NOT NULL DEFAULT 1,
    received INTEGER NOT NULL,             -- the last time
    route    TEXT NOT NULL,
    error    TEXT NOT NULL,
    detail   TEXT NOT NULL,
    headers  TEXT NOT NULL,
    body     BLOB NOT NULL
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
