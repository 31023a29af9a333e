-- From schema 4 to 5: the tables of network.sql, in files that already had them.

ALTER TABLE radio_waiting ADD COLUMN document TEXT;
CREATE INDEX radio_waiting_since ON radio_waiting (received);
