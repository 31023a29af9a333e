-- From schema 4 or 5 to 6: kinds of target are rows, which each start sets before anything else is written.

CREATE TABLE target_kinds (
    kind       TEXT PRIMARY KEY,
    personal   INTEGER NOT NULL,
    goes_stale INTEGER NOT NULL,
    makes_room INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO target_kinds SELECT DISTINCT kind, 0, 0, 0 FROM registrations;

CREATE TABLE registrations_6 (
    number   INTEGER PRIMARY KEY AUTOINCREMENT,
    vehicle  TEXT NOT NULL,
    token    TEXT NOT NULL,
    kind     TEXT NOT NULL DEFAULT 'token' REFERENCES target_kinds (kind),
    spelling TEXT NOT NULL,
    uid      TEXT NOT NULL,
    created  INTEGER NOT NULL,
    renewed  INTEGER NOT NULL,
    client   TEXT NOT NULL DEFAULT 'original' CHECK (client IN ('original', 'v1')),
    UNIQUE (vehicle, token)
) STRICT;
INSERT INTO registrations_6 (number, vehicle, token, kind, spelling, uid, created, renewed, client)
SELECT number, vehicle, token, kind, spelling, uid, created, renewed, client FROM registrations;
-- No number is reused, not even that of a registration that was removed.
DELETE FROM sqlite_sequence WHERE name = 'registrations_6';
INSERT INTO sqlite_sequence (name, seq) SELECT 'registrations_6', seq FROM sqlite_sequence WHERE name = 'registrations';
DROP TABLE registrations;
ALTER TABLE registrations_6 RENAME TO registrations;
CREATE INDEX registrations_of_token ON registrations (token);
CREATE INDEX registrations_of_user ON registrations (uid);
CREATE INDEX registrations_by_age ON registrations (renewed);
