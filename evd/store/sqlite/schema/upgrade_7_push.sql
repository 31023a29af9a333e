-- From schema 6 to 7, for files that had the tables of push.sql already: its new columns.

ALTER TABLE registrations ADD COLUMN imported TEXT;
