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
