-- The tables as evd made them at schema version 9: a file of then, for tests of upgrading.

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

-- Tables for pushes and events: the last part of the schema, also added to older files.

-- The kinds of target, as their push providers declare them; written at each start. Kinds without a provider stay.
CREATE TABLE target_kinds (
    kind       TEXT PRIMARY KEY,
    personal   INTEGER NOT NULL,           -- 1: it belongs to one user at a time
    goes_stale INTEGER NOT NULL,           -- 1: its app renews it, and one that is not renewed for long is dead
    makes_room INTEGER NOT NULL            -- 1: of too many the most silent one goes; 0: a new one is refused
) STRICT, WITHOUT ROWID;

-- A phone, or another target, that is sent a vehicle's pushes.
CREATE TABLE registrations (
    number   INTEGER PRIMARY KEY AUTOINCREMENT,  -- never given again: a push to the one before may still be on its way
    vehicle  TEXT NOT NULL,
    token    TEXT NOT NULL,                -- what the provider sends to: FCM's registration token, an address
    kind     TEXT NOT NULL DEFAULT 'token' REFERENCES target_kinds (kind),
    spelling TEXT NOT NULL,                -- how it writes the vehicle's id
    uid      TEXT NOT NULL,
    created  INTEGER NOT NULL,
    renewed  INTEGER NOT NULL,             -- when its app registered last, or its user asked for something, by the day
    client   TEXT NOT NULL DEFAULT 'original' CHECK (client IN ('original', 'v1')),
                                           -- by whose routes: the original's app registers at log-in only, and is not stale
    imported TEXT,                         -- JSON: attributes of its DynamoDB item that no column has; null once it renews
    UNIQUE (vehicle, token)
) STRICT;
CREATE INDEX registrations_of_token ON registrations (token);
CREATE INDEX registrations_of_user ON registrations (uid);
CREATE INDEX registrations_by_age ON registrations (renewed);

-- What each registration was given. States do not queue: it waits for its vehicle's last status if that is another one.
CREATE TABLE deliveries (
    registration INTEGER PRIMARY KEY,
    given        TEXT NOT NULL,            -- id of the status it was given last, or that was given up
    given_at     INTEGER,                  -- when the provider took a push of it last
    due          INTEGER,                  -- after a failed attempt: not tried again before
    attempts     INTEGER NOT NULL DEFAULT 0,
    outcome      TEXT NOT NULL DEFAULT ''  -- of the last attempt, unless it was taken
) STRICT;
CREATE INDEX deliveries_by_due ON deliveries (due) WHERE due IS NOT NULL;

-- Events (evd.events): the newest ones of each vehicle.
CREATE TABLE events (
    number    INTEGER PRIMARY KEY AUTOINCREMENT,
    vehicle   TEXT NOT NULL,
    kind      TEXT NOT NULL,
    time      INTEGER NOT NULL,            -- of the status that showed it, or when it was noticed
    status_id TEXT NOT NULL,               -- empty: no status showed it
    created   INTEGER NOT NULL,
    details   TEXT NOT NULL,               -- JSON: the numbers that its sentence needs
    samples   TEXT NOT NULL DEFAULT '[]'   -- JSON: the two samples that were compared, the earlier one first
) STRICT;
CREATE INDEX events_of_vehicle ON events (vehicle, number);
CREATE INDEX events_of_status ON events (status_id);

-- Events that the provider has not taken yet, one row for each registration.
CREATE TABLE outbox (
    number       INTEGER PRIMARY KEY AUTOINCREMENT,
    event        INTEGER NOT NULL,
    registration INTEGER NOT NULL,
    created      INTEGER NOT NULL,
    due          INTEGER NOT NULL,
    expires      INTEGER NOT NULL,
    attempts     INTEGER NOT NULL DEFAULT 0,
    outcome      TEXT NOT NULL DEFAULT ''  -- of the last attempt
) STRICT;
CREATE INDEX outbox_by_due ON outbox (due, number);
CREATE INDEX outbox_of_registration ON outbox (registration);

-- The events engine's memory of each vehicle, and the vehicle's event settings.
CREATE TABLE alert_states (
    vehicle  TEXT PRIMARY KEY,
    state    TEXT,                         -- JSON; null: nothing yet
    settings TEXT                          -- JSON; null: the defaults
) STRICT, WITHOUT ROWID;

-- Users' preferences: which events they want, at which hours, and in which language.
CREATE TABLE preferences (
    uid      TEXT PRIMARY KEY,
    settings TEXT NOT NULL,                -- JSON
    changed  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The newest finished pushes, overwritten in place.
CREATE TABLE pushed (
    slot      INTEGER PRIMARY KEY,         -- number modulo push.log_rows_max
    number    INTEGER NOT NULL,
    vehicle   TEXT NOT NULL,
    token     TEXT NOT NULL,
    kind      TEXT NOT NULL,
    what      TEXT NOT NULL,               -- state, or the kind of the event
    status_id TEXT NOT NULL,
    committed INTEGER,                     -- when it was known to be on disk; null: by an earlier run of evd
    sent      INTEGER NOT NULL,
    finished  INTEGER NOT NULL,
    taken     INTEGER NOT NULL,            -- 1: the provider took it
    outcome   TEXT NOT NULL                -- the provider's message id, or why it was given up
) STRICT;

-- The overflow of the rings: statuses that came so late that many rows of the circle would have to move, that are ahead
-- of the clock, or for which a ring that is being enlarged has no slot yet. Their rows are in `statuses`, at places
-- below zero: -vehicles.number * 1048576 - 1 and downwards.
CREATE TABLE overflow (
    vehicle INTEGER NOT NULL,              -- vehicles.number
    timely  INTEGER NOT NULL,              -- as in statuses, by which this is sorted
    time    INTEGER NOT NULL,
    seq     INTEGER NOT NULL,
    place   INTEGER NOT NULL,              -- of equal ones, the one that came first has the highest
    PRIMARY KEY (vehicle, timely, time, seq, place)
) STRICT, WITHOUT ROWID;

-- Who asks: local users, their sessions, and their access tokens. Secrets are kept as digests only.

CREATE TABLE users (
    uid      TEXT PRIMARY KEY,
    password TEXT NOT NULL,                -- Argon2id, with its salt and its parameters (PHC string format)
    admin    INTEGER NOT NULL,             -- 1: may administrate evd
    created  INTEGER NOT NULL,
    changed  INTEGER NOT NULL              -- when the password was set
) STRICT, WITHOUT ROWID;

-- A user signed in with a browser. Also of users of Firebase, who have no row in `users`.
CREATE TABLE sessions (
    id      TEXT PRIMARY KEY,
    digest  BLOB NOT NULL,                 -- SHA-256 of the cookie
    uid     TEXT NOT NULL,
    admin   INTEGER NOT NULL,              -- as the user was when the session began
    client  TEXT NOT NULL,                 -- the browser's User-Agent, shortened
    address TEXT NOT NULL,                 -- where it signed in from
    created INTEGER NOT NULL,
    seen    INTEGER NOT NULL               -- its last use, exact to an hour
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_of_user ON sessions (uid, seen);
CREATE INDEX sessions_by_seen ON sessions (seen);

CREATE TABLE access_tokens (
    id      TEXT PRIMARY KEY,
    digest  BLOB NOT NULL,                 -- SHA-256 of the token
    uid     TEXT NOT NULL,                 -- in whose name it asks
    name    TEXT NOT NULL,
    scopes  TEXT NOT NULL,                 -- of read, write, ingest, with commas between them
    limited INTEGER NOT NULL,              -- 1: only for the vehicles and tags below, even if there are none left
    created INTEGER NOT NULL,
    expires INTEGER,                       -- null: never
    used    INTEGER                        -- its last use, exact to an hour
) STRICT, WITHOUT ROWID;
CREATE INDEX access_tokens_of_user ON access_tokens (uid, created);

CREATE TABLE access_token_vehicles (
    token   TEXT NOT NULL REFERENCES access_tokens (id) ON DELETE CASCADE,
    vehicle TEXT NOT NULL,
    PRIMARY KEY (token, vehicle)
) STRICT, WITHOUT ROWID;

CREATE TABLE access_token_tags (
    token TEXT NOT NULL REFERENCES access_tokens (id) ON DELETE CASCADE,
    tag   TEXT NOT NULL,
    PRIMARY KEY (token, tag)
) STRICT, WITHOUT ROWID;

-- Who shares what: invitations to a vehicle, and the tags of vehicles.

-- Codes by which a user becomes an owner or a viewer of a vehicle, each good once. Only digests are kept.
CREATE TABLE invitations (
    id         TEXT PRIMARY KEY,
    digest     BLOB NOT NULL,              -- SHA-256 of the code
    vehicle    TEXT NOT NULL,
    relation   TEXT NOT NULL,              -- owner or viewer: what it makes of the user who accepts it
    invited_by TEXT,                       -- the owner; null: an administrator, whose code is a claim code
    created    INTEGER NOT NULL,
    expires    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX invitations_of_vehicle ON invitations (vehicle, created, id);
CREATE INDEX invitations_by_expiry ON invitations (expires);

CREATE TABLE tags (
    vehicle TEXT NOT NULL,
    tag     TEXT NOT NULL,
    PRIMARY KEY (vehicle, tag)
) STRICT, WITHOUT ROWID;
CREATE INDEX tags_by_name ON tags (tag, vehicle);

-- Vehicles whose callbacks are answered and not kept.
CREATE TABLE ignored (
    vehicle   TEXT PRIMARY KEY,
    since     INTEGER NOT NULL,
    callbacks INTEGER NOT NULL DEFAULT 0   -- how many came since
) STRICT, WITHOUT ROWID;

-- Vehicles that were merged into another, which gets their later callbacks.
CREATE TABLE aliases (
    vehicle    TEXT PRIMARY KEY,
    stands_for TEXT NOT NULL,
    created    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The rings of vehicles that are gone: their rows are deleted, or arrive at another vehicle, in steps.
CREATE TABLE left_rings (
    number  INTEGER PRIMARY KEY,           -- the vehicle's
    goes_to TEXT                           -- null: its statuses are deleted
) STRICT;

-- What is derived from statuses and outlives their rings: charge sessions, trips, roll-ups by hour and day. Bounded by
-- retention.rollup_days. evd.derived says what the columns mean; `vehicle` is vehicles.number.

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

-- What owners say of their vehicles.

CREATE TABLE vehicle_profiles (
    vehicle     TEXT PRIMARY KEY,          -- the id in its normal form
    name        TEXT,
    reg_number  TEXT,                      -- the licence plate
    type        TEXT,
    battery_kwh REAL,
    max_voltage REAL,                      -- V, of a phase while it charges
    phases      INTEGER,
    zone        TEXT,                      -- of tz database: where its days begin; null: UTC
    tariff      TEXT,                      -- JSON: evd.derived.tariff.Tariff
    coarse_location TEXT                   -- for whom its places are coarse: nobody, viewers or everyone; null: the setting's
) STRICT, WITHOUT ROWID;

-- What evd knows of the Firestore of the original's app (evd.firebase).

-- Vehicles of users' documents as evd read or wrote them last. What a document has otherwise, the app has changed.
CREATE TABLE firestore_vehicles (
    uid     TEXT NOT NULL,
    vehicle TEXT NOT NULL,
    listed  INTEGER NOT NULL,              -- 1: the sync read it in the user's document
    added   INTEGER NOT NULL,              -- 1: the sync made the user its owner, and may end that
    profile TEXT NOT NULL,                 -- JSON: what the document says of it; absent members are not known
    PRIMARY KEY (uid, vehicle)
) STRICT, WITHOUT ROWID;
CREATE INDEX firestore_vehicles_of_vehicle ON firestore_vehicles (vehicle);

-- The last statuses that evd wrote there. A row outlives its user and its vehicle until its document is deleted, so its
-- columns are not named as theirs.
CREATE TABLE firestore_statuses (
    user   TEXT NOT NULL,
    car    TEXT NOT NULL,                  -- a vehicle's id
    status TEXT NOT NULL,                  -- a status's id
    PRIMARY KEY (user, car)
) STRICT, WITHOUT ROWID;
CREATE INDEX firestore_statuses_of_car ON firestore_statuses (car);

-- Pictures of vehicles. Their files are in the folder `images` of the data directory, named by the SHA-256 of their content.

CREATE TABLE images (
    vehicle         TEXT PRIMARY KEY,      -- the id in its normal form
    media           TEXT NOT NULL,         -- image/jpeg, image/png or image/webp
    file            TEXT NOT NULL,         -- the picture's file: 64 hex digits
    bytes           INTEGER NOT NULL,
    width           INTEGER NOT NULL,      -- pixels
    height          INTEGER NOT NULL,
    thumbnail       TEXT NOT NULL,         -- its thumbnail's file
    thumbnail_bytes INTEGER NOT NULL,
    changed         INTEGER NOT NULL       -- when it was sent
) STRICT, WITHOUT ROWID;
CREATE INDEX images_by_file ON images (file);
CREATE INDEX images_by_thumbnail ON images (thumbnail);
