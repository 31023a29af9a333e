-- From schema 8 to 9, for files that had the tables of derived.sql already: days are their hours; the table of
-- derived_open.sql is renamed, to be created anew.

DROP TABLE past_day_rollups;
ALTER TABLE derived RENAME TO derived_8;
