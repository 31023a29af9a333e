-- From schema 3 to 4, after push.sql and the views: copy the rows of the old tables. A registration that waited for
-- some status now waits for its vehicle's last one.

INSERT INTO target_kinds VALUES ('token', 0, 0, 0);  -- the start gives it its values
INSERT INTO registrations (vehicle, token, spelling, uid, created, renewed)
SELECT vehicle, token, spelling, uid, created, renewed FROM registrations_3 ORDER BY renewed;
INSERT INTO deliveries (registration, given)
SELECT number, CASE WHEN EXISTS (SELECT 1 FROM outbox_3 AS o WHERE o.vehicle = r.vehicle AND o.token = r.token) THEN ''
                    ELSE coalesce((SELECT id FROM last AS l WHERE l.vehicle = r.vehicle), '') END
FROM registrations AS r;
INSERT INTO pushed (slot, number, vehicle, token, kind, what, status_id, sent, finished, taken, outcome)
SELECT number % 10000, number, vehicle, token, 'token', 'state', status_id, created, finished,
       outcome GLOB 'projects/*', outcome
FROM pushed_3 ORDER BY number DESC LIMIT 10000;
DROP TABLE registrations_3;
DROP TABLE outbox_3;
DROP TABLE pushed_3;
