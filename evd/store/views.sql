-- The views over the tables of schema.sql; made anew where a database comes from an older evd. What is asked of one vehicle
-- costs what that vehicle's rows cost.

-- Each vehicle with the N of its ring and the ring's shape now. A shape is written with every eighth status, so from the
-- written one it is walked on: each status that came in order ranks above the one before it. DISTINCT has SQLite walk
-- once for a vehicle, however often the columns are named.
CREATE VIEW capacities AS
SELECT number, vehicle, name, slots, min(kept + steps, slots) AS kept, (newest + steps) % slots AS newest, too_old, keep
FROM (
    SELECT DISTINCT v.number, v.vehicle, v.name, v.slots, v.kept, v.newest, v.too_old,
        coalesce(v.keep, (SELECT value FROM meta WHERE name = 'statuses_per_vehicle')) AS keep,
        coalesce((
            WITH RECURSIVE walk (steps, timely, time, seq) AS (
                SELECT 0, timely, time, seq FROM statuses WHERE place = v.number * 1048576 + v.newest
                UNION ALL
                SELECT steps + 1, s.timely, s.time, s.seq
                FROM walk JOIN statuses AS s ON s.place = v.number * 1048576 + (v.newest + steps + 1) % v.slots
                WHERE (s.timely, s.time, s.seq) > (walk.timely, walk.time, walk.seq)
            )
            SELECT max(steps) FROM walk), 0) AS steps
    FROM vehicles AS v
);

-- What a reader may see of the rings: never more than a vehicle's newest N, also while a lowered N is being taken up.
-- `position` counts from the lowest of the ring; the highest is the newest.
CREATE VIEW ring AS
SELECT v.vehicle AS vehicle, ((s.place & 1048575) - v.newest + v.kept - 1 + v.slots) % v.slots AS position,
       s.id, s.timely, s.time, s.seq, s.received, s.connectivity, s.payload, s.fields, s.document, s.flags
FROM capacities AS v
JOIN statuses AS s ON s.place BETWEEN v.number * 1048576 AND v.number * 1048576 + v.slots - 1
WHERE ((s.place & 1048575) - v.newest + v.kept - 1 + v.slots) % v.slots >= v.kept - v.keep;

CREATE VIEW history AS
SELECT vehicle, id,
       strftime('%Y-%m-%d %H:%M:%S', time / 1000, 'unixepoch') AS time,
       strftime('%Y-%m-%d %H:%M:%S', received / 1000, 'unixepoch') AS received,
       CASE connectivity WHEN 1 THEN 'sigfox' WHEN 2 THEN 'wlan' ELSE connectivity END AS channel,
       nullif(seq, -1) AS seq,
       CASE fields ->> 'state' WHEN 0 THEN 'off' WHEN 1 THEN 'charging' WHEN 2 THEN 'idle' WHEN 3 THEN 'driving'
            ELSE fields ->> 'state' END AS state,
       fields ->> 'current_charge' AS current_charge,
       fields ->> 'target_charge' AS target_charge,
       fields ->> 'current' AS current,
       fields ->> 'elapsed_time' AS elapsed_time,
       fields ->> 'remain_time' AS remain_time,
       fields ->> 'range' AS range,
       fields ->> 'elec_consumption' AS elec_consumption,
       fields ->> 'indoor_temperature' AS indoor_temperature,
       fields ->> 'outdoor_temperature' AS outdoor_temperature,
       fields ->> 'location' AS location,
       lower(hex(payload)) AS payload, flags, fields, document
FROM ring;

-- Each vehicle's last status; none where all lie in the future.
CREATE VIEW last AS
SELECT v.vehicle AS vehicle, s.id, s.time, s.seq, s.received, s.connectivity, s.payload, s.fields, s.document, s.flags
FROM capacities AS v
JOIN statuses AS s ON s.place = v.number * 1048576 + v.newest
WHERE s.timely = 1;

CREATE VIEW fleet AS
SELECT v.vehicle, v.name,
       strftime('%Y-%m-%d %H:%M:%S', s.time / 1000, 'unixepoch') AS last_time,
       CAST((julianday('now') - 2440587.5) * 86400 - s.time / 1000 AS INTEGER) AS age_s,
       CASE s.connectivity WHEN 1 THEN 'sigfox' WHEN 2 THEN 'wlan' ELSE s.connectivity END AS channel,
       CASE s.fields ->> 'state' WHEN 0 THEN 'off' WHEN 1 THEN 'charging' WHEN 2 THEN 'idle' WHEN 3 THEN 'driving'
            ELSE s.fields ->> 'state' END AS state,
       s.fields ->> 'current_charge' AS current_charge,
       s.fields ->> 'target_charge' AS target_charge,
       s.fields ->> 'range' AS range,
       min(v.kept, v.keep) AS kept, v.keep, v.too_old, s.id AS status_id
FROM capacities AS v
LEFT JOIN statuses AS s ON s.place = v.number * 1048576 + v.newest AND s.timely = 1;

CREATE VIEW pushes AS
SELECT strftime('%Y-%m-%d %H:%M:%S', created / 1000, 'unixepoch') AS created, vehicle, status_id,
       substr(token, 1, 8) || '…' AS token, 'waiting' AS state, attempts, outcome,
       strftime('%Y-%m-%d %H:%M:%S', due / 1000, 'unixepoch') AS due_or_finished
FROM outbox
UNION ALL
SELECT strftime('%Y-%m-%d %H:%M:%S', created / 1000, 'unixepoch'), vehicle, status_id,
       substr(token, 1, 8) || '…', 'finished', NULL, outcome,
       strftime('%Y-%m-%d %H:%M:%S', finished / 1000, 'unixepoch')
FROM pushed
ORDER BY 1;

CREATE VIEW rejections AS
SELECT strftime('%Y-%m-%d %H:%M:%S', received / 1000, 'unixepoch') AS received, times, route, error, detail,
       CAST(body AS TEXT) AS body, number
FROM rejected
ORDER BY number;
