-- From schema 4 to 5: the tables of push.sql, in files that already had them.

ALTER TABLE registrations ADD COLUMN client TEXT NOT NULL DEFAULT 'original' CHECK (client IN ('original', 'v1'));
ALTER TABLE events ADD COLUMN samples TEXT NOT NULL DEFAULT '[]';
CREATE INDEX events_of_status ON events (status_id);
