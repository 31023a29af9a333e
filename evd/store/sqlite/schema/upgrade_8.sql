-- From schema 7 to 8: new columns of tables that schema 7 has. The new tables are in images.

ALTER TABLE vehicle_profiles ADD COLUMN coarse_location TEXT;
