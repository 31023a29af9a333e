-- From schema 3 to 4, before push.sql: rename the tables that it creates anew.

DROP INDEX registrations_of_token;
DROP INDEX outbox_by_due;
DROP INDEX outbox_by_phone;
ALTER TABLE registrations RENAME TO registrations_3;
ALTER TABLE outbox RENAME TO outbox_3;
ALTER TABLE pushed RENAME TO pushed_3;
