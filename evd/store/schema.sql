-- evd's database: one file, inspected with `sqlite3 -readonly evd.db`. Start with the views: fleet, history, pushes,
-- rejections. Times are epoch milliseconds in the tables, UTC text in the views. Works in SQLite 3.40's shell.

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
    slots   INTEGER NOT NULL,              -- its ring as it stands: so many slots, so many of them taken, and the slot
    kept    INTEGER NOT NULL DEFAULT 0,    -- of the newest status; the one before it is the one before that, round the
    newest  INTEGER NOT NULL DEFAULT -1,   -- circle. A changed number of slots is taken up little by little.
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

-- Each vehicle and the N of its ring.
CREATE VIEW capacities AS
SELECT number, vehicle, name, slots, kept, newest, too_old,
       coalesce(keep, (SELECT value FROM meta WHERE name = 'statuses_per_vehicle')) AS keep
FROM vehicles;

-- What a reader may see of the rings: never more than a vehicle's newest N, also while a lowered N is being taken up.
-- `position` counts from the lowest of the ring; the highest is the newest.
CREATE VIEW ring AS
SELECT v.vehicle AS vehicle, ((s.place & 1048575) - v.newest + v.kept - 1 + v.slots) % v.slots AS position,
       s.id, s.timely, s.time, s.seq, s.received, s.connectivity, s.payload, s.fields, s.document, s.flags
FROM capacities AS v
JOIN statuses AS s ON s.place BETWEEN v.number * 1048576 AND v.number * 1048576 + v.slots - 1
WHERE ((s.place & 1048575) - v.newest + v.kept - 1 + v.slots) % v.slots >= v.kept - v.keep;

CREATE VIEW history AS
SELECT vehicle, id,
       strftime('%Y-%m-%d %H:%M:%S', time / 1000, 'unixepoch') AS time,
       strftime('%Y-%m-%d %H:%M:%S', received / 1000, 'unixepoch') AS received,
       CASE connectivity WHEN 1 THEN 'sigfox' WHEN 2 THEN 'wlan' ELSE connectivity END AS channel,
       nullif(seq, -1) AS seq,
       CASE fields ->> 'state' WHEN 0 THEN 'off' WHEN 1 THEN 'charging' WHEN 2 THEN 'idle' WHEN 3 THEN 'driving'
            ELSE fields ->> 'state' END AS state,
       fields ->> 'current_charge' AS current_charge,
       fields ->> 'target_charge' AS target_charge,
       fields ->> 'current' AS current,
       fields ->> 'elapsed_time' AS elapsed_time,
       fields ->> 'remain_time' AS remain_time,
       fields ->> 'range' AS range,
       fields ->> 'elec_consumption' AS elec_consumption,
       fields ->> 'indoor_temperature' AS indoor_temperature,
       fields ->> 'outdoor_temperature' AS outdoor_temperature,
       fields ->> 'location' AS location,
       lower(hex(payload)) AS payload, flags, fields, document
FROM ring;

-- Each vehicle's last status; none where all lie in the future.
CREATE VIEW last AS
SELECT v.vehicle AS vehicle, s.id, s.time, s.seq, s.received, s.connectivity, s.payload, s.fields, s.document, s.flags
FROM vehicles AS v
JOIN statuses AS s ON s.place = v.number * 1048576 + v.newest
WHERE s.timely = 1;

CREATE VIEW fleet AS
SELECT v.vehicle, v.name,
       strftime('%Y-%m-%d %H:%M:%S', s.time / 1000, 'unixepoch') AS last_time,
       CAST((julianday('now') - 2440587.5) * 86400 - s.time / 1000 AS INTEGER) AS age_s,
       CASE s.connectivity WHEN 1 THEN 'sigfox' WHEN 2 THEN 'wlan' ELSE s.connectivity END AS channel,
       CASE s.fields ->> 'state' WHEN 0 THEN 'off' WHEN 1 THEN 'charging' WHEN 2 THEN 'idle' WHEN 3 THEN 'driving'
            ELSE s.fields ->> 'state' END AS state,
       s.fields ->> 'current_charge' AS current_charge,
       s.fields ->> 'target_charge' AS target_charge,
       s.fields ->> 'range' AS range,
       min(v.kept, v.keep) AS kept, v.keep, v.too_old, s.id AS status_id
FROM capacities AS v
LEFT JOIN statuses AS s ON s.place = v.number * 1048576 + v.newest AND s.timely = 1;

CREATE VIEW pushes AS
SELECT strftime('%Y-%m-%d %H:%M:%S', created / 1000, 'unixepoch') AS created, vehicle, status_id,
       substr(token, 1, 8) || '…' AS token, 'waiting' AS state, attempts, outcome,
       strftime('%Y-%m-%d %H:%M:%S', due / 1000, 'unixepoch') AS due_or_finished
FROM outbox
UNION ALL
SELECT strftime('%Y-%m-%d %H:%M:%S', created / 1000, 'unixepoch'), vehicle, status_id,
       substr(token, 1, 8) || '…', 'finished', NULL, outcome,
       strftime('%Y-%m-%d %H:%M:%S', finished / 1000, 'unixepoch')
FROM pushed
ORDER BY 1;

CREATE VIEW rejections AS
SELECT strftime('%Y-%m-%d %H:%M:%S', received / 1000, 'unixepoch') AS received, times, route, error, detail,
       CAST(body AS TEXT) AS body, number
FROM rejected
ORDER BY number;
