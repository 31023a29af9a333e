-- Tables for what Sigfox reports, for downlinks and formats: the second part of the schema, also added to older files.

-- Radio metadata (DATA_ADVANCED, GEOLOC) whose message has not come. After a wait it becomes a status by itself, or an
-- entry of the vehicle's log (evd.ingest.unaccompanied_metadata).
CREATE TABLE radio_waiting (
    number   INTEGER PRIMARY KEY,
    vehicle  TEXT NOT NULL,
    time     INTEGER NOT NULL,
    seq      INTEGER NOT NULL,             -- -1: none
    source   TEXT NOT NULL,
    payload  BLOB,
    radio    TEXT NOT NULL,
    location TEXT,
    received INTEGER NOT NULL,             -- the first time
    document TEXT,                         -- the callback as it was received; null: of an older evd
    UNIQUE (vehicle, time, seq, source)
) STRICT;
CREATE INDEX radio_waiting_since ON radio_waiting (received);

-- Frames of the last days with a seqNumber that are no messages (STATUS): they fill gaps of the count.
CREATE TABLE frames (
    vehicle INTEGER NOT NULL,              -- vehicles.number
    time    INTEGER NOT NULL,
    seq     INTEGER NOT NULL,
    PRIMARY KEY (vehicle, time, seq)
) STRICT, WITHOUT ROWID;

-- Earlier days of vehicles; the newest day is in `vehicles`. See the view `days`.
CREATE TABLE past_days (
    vehicle  INTEGER NOT NULL,             -- vehicles.number
    day      INTEGER NOT NULL,             -- since 1970, UTC
    received INTEGER NOT NULL,
    lost     INTEGER NOT NULL,
    resets   INTEGER NOT NULL,
    PRIMARY KEY (vehicle, day)
) STRICT, WITHOUT ROWID;

-- Vehicles' logs: what Sigfox reported of them; the newest entries of each.
CREATE TABLE notes (
    number   INTEGER PRIMARY KEY,
    id       TEXT NOT NULL UNIQUE,
    vehicle  TEXT NOT NULL,                -- empty: a group or a device type
    kind     TEXT NOT NULL,                -- status, repeater, acknowledge, geoloc, error, event
    severity TEXT NOT NULL,                -- info, warn, error
    time     INTEGER NOT NULL,
    received INTEGER NOT NULL,
    text     TEXT NOT NULL,
    document TEXT NOT NULL                 -- as it was received
) STRICT;
CREATE INDEX notes_of_vehicle ON notes (vehicle, time, number);

-- The last known state of each device's modem.
CREATE TABLE modems (
    vehicle       TEXT PRIMARY KEY,
    time          INTEGER NOT NULL,
    battery_v     REAL,
    temperature_c REAL,
    received      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE downlinks (
    number     INTEGER PRIMARY KEY,        -- never given twice: people cancel by it
    vehicle    TEXT NOT NULL,
    payload    BLOB NOT NULL,
    state      TEXT NOT NULL,              -- queued, offered, acknowledged, failed, cancelled, expired; of those past
                                           -- `expires` the view `downlink_queue` knows it first
    created    INTEGER NOT NULL,
    expires    INTEGER NOT NULL,
    offered    INTEGER,                    -- when it was given to Sigfox
    asked_by   TEXT,                       -- the status whose message asked, and that message's time
    asked_time INTEGER,
    closed     INTEGER,
    info_code  INTEGER,                    -- of ACKNOWLEDGE
    info       TEXT,
    ack_time   INTEGER                     -- the time in the ACKNOWLEDGE that closed it: the same one may come again
) STRICT;
CREATE INDEX downlinks_of_vehicle ON downlinks (vehicle, state, asked_time, number);
CREATE INDEX downlinks_by_question ON downlinks (vehicle, asked_by);
CREATE INDEX downlinks_by_ack ON downlinks (vehicle, ack_time) WHERE ack_time IS NOT NULL;

-- Payload formats besides those of evd.toml, and the formats of Sigfox's device types.
CREATE TABLE formats (
    name    TEXT PRIMARY KEY,
    grammar TEXT NOT NULL,
    fields  TEXT NOT NULL,                 -- JSON: field -> its options
    created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE device_types (
    device_type TEXT PRIMARY KEY,          -- Sigfox's deviceTypeId, lower case
    format      TEXT NOT NULL,
    created     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
