-- From schema 1 or 2 to 3: see schema.sql for the meaning of each column.

ALTER TABLE vehicles ADD COLUMN counted     INTEGER NOT NULL DEFAULT -1;
ALTER TABLE vehicles ADD COLUMN counted_seq INTEGER NOT NULL DEFAULT -1;
ALTER TABLE vehicles ADD COLUMN received    INTEGER NOT NULL DEFAULT 0;
ALTER TABLE vehicles ADD COLUMN lost        INTEGER NOT NULL DEFAULT 0;
ALTER TABLE vehicles ADD COLUMN resets      INTEGER NOT NULL DEFAULT 0;
UPDATE vehicles SET counted = -2 WHERE kept > 0;
ALTER TABLE statuses ADD COLUMN radio       TEXT;
