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
