-- The views over the tables of schema.sql; created again in a database of an older evd. A query for one vehicle reads
-- that vehicle's rows only. views.py inserts the columns of evd.model.measures. A column of text with a time is ISO 8601
-- in UTC, and one whose name ends in `_ms` has the same moment as epoch ms. What grows is the newest first, but for
-- `history`, where that would sort a whole fleet's statuses.

-- Each vehicle with the N of its ring and its circle's current shape. Every eighth status writes the shape, so the view
-- follows the circle from the written one: each status that came in order ranks above the one before. DISTINCT makes
-- SQLite do this once for a vehicle, however often the columns are named. `kept` counts `taken` slots and the overflow.
CREATE VIEW capacities AS
SELECT number, vehicle, name, slots, min(taken + steps, slots) AS taken, (newest + steps) % slots AS newest, too_old, keep,
       overflow, min(taken + steps, slots) + overflow AS kept
FROM (
    SELECT DISTINCT v.number, v.vehicle, v.name, v.slots, v.kept AS taken, v.newest, v.too_old, v.overflow,
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

-- All rows of the rings, including what a lowered N hides. `position` orders statuses of the same time and seq by their
-- arrival. In the circle it counts from the lowest; statuses set aside are below it, those that came late above.
CREATE VIEW ring_rows AS
SELECT v.number, v.vehicle, v.keep, v.kept, v.overflow,
       ((s.place & 1048575) - v.newest + v.taken - 1 + v.slots) % v.slots AS position,
       s.id, s.timely, s.time, s.seq, s.received, s.connectivity, s.payload, s.fields, s.document, s.flags, s.radio
FROM capacities AS v
JOIN statuses AS s ON s.place BETWEEN v.number * 1048576 AND v.number * 1048576 + v.slots - 1
UNION ALL
SELECT v.number, v.vehicle, v.keep, v.kept, v.overflow,
       (-s.place - 1 & 1048575) + CASE WHEN -s.place - 1 & 524288 THEN 524288 ELSE -1048576 END,
       s.id, s.timely, s.time, s.seq, s.received, s.connectivity, s.payload, s.fields, s.document, s.flags, s.radio
FROM capacities AS v
JOIN statuses AS s ON s.place BETWEEN -v.number * 1048576 - 1048576 AND -v.number * 1048576 - 1
WHERE v.overflow > 0;

-- What a reader may see of the rings: never more than a vehicle's newest N, even while a lowered N is being applied. A
-- ring is in the order of (timely, time, seq, position).
CREATE VIEW ring AS
SELECT vehicle, position, id, timely, time, seq, received, connectivity, payload, fields, document, flags, radio
FROM ring_rows
WHERE kept <= keep OR (overflow = 0 AND position >= kept - keep)
UNION ALL
SELECT vehicle, position, id, timely, time, seq, received, connectivity, payload, fields, document, flags, radio
FROM (
    SELECT *, row_number() OVER (PARTITION BY vehicle ORDER BY timely DESC, time DESC, seq DESC, position DESC) AS nth
    FROM ring_rows WHERE kept > keep AND overflow > 0)
WHERE nth <= keep;

CREATE VIEW history AS
SELECT vehicle, id,
       strftime('%Y-%m-%dT%H:%M:%SZ', time / 1000, 'unixepoch') AS time,
       strftime('%Y-%m-%dT%H:%M:%SZ', received / 1000, 'unixepoch') AS received,
       CASE connectivity WHEN 1 THEN 'sigfox' WHEN 2 THEN 'wlan' ELSE connectivity END AS channel,
       nullif(seq, -1) AS seq,
       @history fields@,
       ifnull(radio ->> '$.advanced.lqi', radio ->> '$.message.lqi') AS lqi,
       ifnull(radio ->> '$.advanced.operatorName', radio ->> '$.message.operatorName') AS operator,
       lower(hex(payload)) AS payload, flags, fields, document, time AS time_ms, received AS received_ms
FROM ring;

-- Received and lost frames, by day (UTC), of each vehicle's frames with a seqNumber: evd.model.frame_counter in SQL.
-- `used` is what the device sent, of what its contract allows. The newest day is in `vehicles` as of the written shape
-- of the ring; later frames of that day in the ring are added.
CREATE VIEW days AS
SELECT vehicle, strftime('%Y-%m-%d', day * 86400, 'unixepoch') AS day, received, lost, resets,
       round(100.0 * received / (received + lost), 1) AS share, received + lost AS used
FROM (
    SELECT v.vehicle, p.day, p.received, p.lost, p.resets
    FROM vehicles AS v JOIN past_days AS p ON p.vehicle = v.number
    UNION ALL
    SELECT vehicle, counted / 86400000, received + (since ->> 0), lost + (since ->> 1), resets + (since ->> 2)
    FROM (
        SELECT DISTINCT v.vehicle, v.counted, v.received, v.lost, v.resets, (
            WITH RECURSIVE walk (steps, timely, time, seq, connectivity) AS (
                SELECT 0, timely, time, seq, connectivity FROM statuses WHERE place = v.number * 1048576 + v.newest
                UNION ALL
                SELECT steps + 1, s.timely, s.time, s.seq, s.connectivity
                FROM walk JOIN statuses AS s ON s.place = v.number * 1048576 + (v.newest + steps + 1) % v.slots
                WHERE (s.timely, s.time, s.seq) > (walk.timely, walk.time, walk.seq)
            )
            SELECT json_array(count(*), ifnull(sum(CASE WHEN jump BETWEEN 2 AND accepted THEN jump - 1 END), 0),
                              ifnull(sum(jump > accepted), 0))
            FROM (
                SELECT (seq - seq_before) & 4095 AS jump,
                       max(300 * (time - before), (SELECT value FROM meta WHERE name = 'contract') * (time - before + 172800000))
                           / 86400000 AS accepted
                FROM (
                    SELECT time, seq, lag(time, 1, v.counted) OVER (ORDER BY steps) AS before,
                           lag(seq, 1, v.counted_seq) OVER (ORDER BY steps) AS seq_before
                    FROM walk
                    WHERE steps > 0 AND connectivity = 1 AND seq BETWEEN 0 AND 4095
                          AND time > v.counted AND time / 86400000 = v.counted / 86400000
                )
            )
        ) AS since
        FROM vehicles AS v WHERE v.counted >= 0
    )
);

-- Radio metadata of messages: link quality, base stations with their receptions, and computed locations.
CREATE VIEW radio AS
SELECT vehicle, id,
       strftime('%Y-%m-%dT%H:%M:%SZ', ring.time / 1000, 'unixepoch') AS time,
       nullif(seq, -1) AS seq,
       ifnull(radio ->> '$.advanced.lqi', radio ->> '$.message.lqi') AS lqi,
       ifnull(radio ->> '$.advanced.operatorName', radio ->> '$.message.operatorName') AS operator,
       ifnull(radio ->> '$.advanced.countryCode', radio ->> '$.message.countryCode') AS country,
       ifnull(json_array_length(radio, '$.advanced.duplicates'), json_array_length(radio, '$.message.duplicates')) AS stations,
       fields ->> 'location' AS location,
       CASE WHEN fields ->> 'location' = radio ->> 'location' THEN radio ->> 'location_from'
            WHEN fields ->> 'location' <> '' THEN 'vehicle' END AS location_from,
       radio, ring.time AS time_ms
FROM ring
WHERE radio IS NOT NULL;

-- Each vehicle's last status; no row if all its statuses are ahead of the clock.
CREATE VIEW last AS
SELECT v.vehicle AS vehicle, s.id, s.time, s.seq, s.received, s.connectivity, s.payload, s.fields, s.document, s.flags,
       s.radio
FROM capacities AS v
JOIN statuses AS s ON s.place = v.number * 1048576 + v.newest
WHERE s.timely = 1;

CREATE VIEW fleet AS
SELECT v.vehicle, v.name,
       strftime('%Y-%m-%dT%H:%M:%SZ', s.time / 1000, 'unixepoch') AS last_time,
       CAST((julianday('now') - 2440587.5) * 86400 - s.time / 1000 AS INTEGER) AS age_s,
       CASE s.connectivity WHEN 1 THEN 'sigfox' WHEN 2 THEN 'wlan' ELSE s.connectivity END AS channel,
       @fleet s.fields@,
       min(v.kept, v.keep) AS kept, v.keep, v.too_old, s.id AS status_id,
       m.battery_v AS modem_battery_v, m.temperature_c AS modem_temperature_c, s.time AS last_time_ms
FROM capacities AS v
LEFT JOIN statuses AS s ON s.place = v.number * 1048576 + v.newest AND s.timely = 1
LEFT JOIN modems AS m ON m.vehicle = v.vehicle;

-- The finished pushes, and the waiting ones: states that were not given yet, while they are worth it, and events. A
-- phone that is `stale` gets no state until it is renewed.
CREATE VIEW pushes AS
SELECT strftime('%Y-%m-%dT%H:%M:%SZ', sent / 1000, 'unixepoch') AS sent, vehicle, status_id, what,
       substr(token, 1, 8) || '…' AS token, CASE taken WHEN 1 THEN 'taken' ELSE 'given up' END AS state,
       NULL AS attempts, outcome, strftime('%Y-%m-%dT%H:%M:%SZ', finished / 1000, 'unixepoch') AS due_or_finished,
       sent AS sent_ms, finished AS due_or_finished_ms
FROM pushed
UNION ALL
SELECT NULL, r.vehicle, l.id, 'state', substr(r.token, 1, 8) || '…',
       CASE WHEN r.kind IN (SELECT kind FROM target_kinds WHERE goes_stale) AND r.client <> 'original'
                 AND r.renewed < (julianday('now') - 2440587.5) * 86400000
                 - 86400000 * (SELECT value FROM meta WHERE name = 'stale_after_days') THEN 'stale' ELSE 'waiting' END,
       d.attempts, d.outcome,
       strftime('%Y-%m-%dT%H:%M:%SZ', ifnull(d.due, l.received) / 1000, 'unixepoch'), NULL, ifnull(d.due, l.received)
FROM deliveries AS d
JOIN registrations AS r ON r.number = d.registration
JOIN last AS l ON l.vehicle = r.vehicle
WHERE d.given <> l.id
  AND l.received > (julianday('now') - 2440587.5) * 86400000
      - 1000 * (SELECT value FROM meta WHERE name = 'give_up_after_s')
UNION ALL
SELECT NULL, e.vehicle, e.status_id, e.kind, substr(r.token, 1, 8) || '…', 'waiting', o.attempts, o.outcome,
       strftime('%Y-%m-%dT%H:%M:%SZ', o.due / 1000, 'unixepoch'), NULL, o.due
FROM outbox AS o
JOIN events AS e ON e.number = o.event
JOIN registrations AS r ON r.number = o.registration
ORDER BY sent_ms DESC NULLS FIRST;

-- Events of vehicles, and to how many phones each is still to be pushed.
CREATE VIEW happenings AS
SELECT number, strftime('%Y-%m-%dT%H:%M:%SZ', time / 1000, 'unixepoch') AS time, vehicle, kind, details, status_id,
       (SELECT count(*) FROM outbox AS o WHERE o.event = e.number) AS waiting, time AS time_ms
FROM events AS e
ORDER BY number DESC;

-- A body that is not text is in `body_hex`.
CREATE VIEW rejections AS
SELECT strftime('%Y-%m-%dT%H:%M:%SZ', received / 1000, 'unixepoch') AS received, times, route, error, detail,
       CASE WHEN is_text THEN CAST(body AS TEXT) END AS body, number,
       CASE WHEN NOT is_text THEN lower(hex(body)) END AS body_hex, client, received AS received_ms
FROM rejected
ORDER BY number DESC;

-- All downlinks, waiting and closed; `info` is Sigfox's text about the outcome.
CREATE VIEW downlink_queue AS
SELECT number, vehicle, lower(hex(payload)) AS payload,
       CASE WHEN state IN ('queued', 'offered') AND expires < (julianday('now') - 2440587.5) * 86400000 THEN 'expired'
            ELSE state END AS state,
       strftime('%Y-%m-%dT%H:%M:%SZ', created / 1000, 'unixepoch') AS created,
       strftime('%Y-%m-%dT%H:%M:%SZ', expires / 1000, 'unixepoch') AS expires,
       strftime('%Y-%m-%dT%H:%M:%SZ', offered / 1000, 'unixepoch') AS offered,
       strftime('%Y-%m-%dT%H:%M:%SZ', closed / 1000, 'unixepoch') AS closed,
       info_code, info, asked_by AS status_id, created AS created_ms, closed AS closed_ms
FROM downlinks
ORDER BY number DESC;

-- Vehicles' logs; entries without a vehicle concern a group or a device type.
CREATE VIEW log AS
SELECT strftime('%Y-%m-%dT%H:%M:%SZ', time / 1000, 'unixepoch') AS time, vehicle, kind, severity, text,
       strftime('%Y-%m-%dT%H:%M:%SZ', received / 1000, 'unixepoch') AS received, document,
       time AS time_ms
FROM notes
ORDER BY notes.time DESC, number DESC;

-- Charge sessions that ended, and trips. Energy and cost depend on what is set for the vehicle: /api/v1 has them.
CREATE VIEW charge_sessions AS
SELECT v.vehicle, strftime('%Y-%m-%dT%H:%M:%SZ', start / 1000, 'unixepoch') AS start,
       strftime('%Y-%m-%dT%H:%M:%SZ', ended / 1000, 'unixepoch') AS ended,
       CASE WHEN inferred THEN 'inferred' ELSE 'closed' END AS state,
       start_charge AS from_percent, end_charge AS to_percent, peak AS peak_current_a,
       round(current / 7.2e9, 3) AS ampere_hours, ifnull(start_place, end_place) AS place, messages,
       start AS start_ms, a.ended AS ended_ms
FROM activities AS a JOIN vehicles AS v ON v.number = a.vehicle
WHERE kind = 1;

CREATE VIEW trips AS
SELECT v.vehicle, strftime('%Y-%m-%dT%H:%M:%SZ', start / 1000, 'unixepoch') AS start,
       strftime('%Y-%m-%dT%H:%M:%SZ', ended / 1000, 'unixepoch') AS ended,
       CASE WHEN inferred THEN 'inferred' ELSE 'closed' END AS state,
       start_charge AS from_percent, end_charge AS to_percent,
       round(start_range - end_range, 1) AS km_by_range, nullif(round(way / 1000.0, 1), 0) AS km_by_places,
       start_place AS from_place, end_place AS to_place, messages, start AS start_ms, a.ended AS ended_ms
FROM activities AS a JOIN vehicles AS v ON v.number = a.vehicle
WHERE kind = 3;

-- Roll-ups of the hours (UTC) that are over, and of the days (of the vehicle's zone) by those hours. An hour in which the
-- vehicle's day ends is in two rows.
CREATE VIEW hours AS
SELECT v.vehicle, strftime('%Y-%m-%dT%H:%M:%SZ', start / 1000, 'unixepoch') AS hour, data ->> '$.n' AS messages,
       ifnull(data ->> '$.driven', 0) / 1000.0 AS km, ifnull(data ->> '$.charged', 0) / 1000.0 AS charged_percent,
       ifnull(data ->> '$.used', 0) / 1000.0 AS used_percent,
       @rollup data@
FROM hour_parts AS h JOIN vehicles AS v ON v.number = h.vehicle;

CREATE VIEW day_rollups AS
SELECT v.vehicle, strftime('%Y-%m-%d', day * 86400, 'unixepoch') AS day, sum(data ->> '$.n') AS messages,
       ifnull(sum(data ->> '$.driven'), 0) / 1000.0 AS km, ifnull(sum(data ->> '$.charged'), 0) / 1000.0 AS charged_percent,
       ifnull(sum(data ->> '$.used'), 0) / 1000.0 AS used_percent,
       @rollups data@
FROM hour_parts AS h JOIN vehicles AS v ON v.number = h.vehicle
GROUP BY v.vehicle, h.day;
