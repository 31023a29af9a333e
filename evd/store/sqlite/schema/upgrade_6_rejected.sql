-- From schema 5 to 6: the table rejected of schema.sql.

ALTER TABLE rejected ADD COLUMN client TEXT NOT NULL DEFAULT '';
