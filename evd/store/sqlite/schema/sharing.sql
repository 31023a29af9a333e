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
