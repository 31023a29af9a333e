-- From schema 4 to 5: the tables of schema.sql.

ALTER TABLE vehicles ADD COLUMN overflow INTEGER NOT NULL DEFAULT 0;
