-- From schema 6 to 7: new columns of older tables. The new tables are in identity, sharing, derived and profiles.

ALTER TABLE statuses ADD COLUMN activity TEXT;

ALTER TABLE owners ADD COLUMN relation TEXT NOT NULL DEFAULT 'owner';
ALTER TABLE owners ADD COLUMN imported TEXT;
