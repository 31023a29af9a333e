-- From schema 4 to 5, after the views: statuses ahead of the clock, the lowest in the circles, move to the overflow.

CREATE TEMP TABLE moving AS
SELECT s.place AS old, v.number, s.time, s.seq,
       -v.number * 1048576 - 524288 - row_number() OVER (PARTITION BY v.number ORDER BY s.time, s.seq, s.place) AS place
FROM capacities AS v
JOIN statuses AS lowest ON lowest.place = v.number * 1048576 + (v.newest - v.taken + 1 + v.slots) % v.slots
JOIN statuses AS s ON s.place BETWEEN v.number * 1048576 AND v.number * 1048576 + v.slots - 1
WHERE v.taken > 0 AND lowest.timely = 0 AND s.timely = 0;
CREATE TEMP TABLE shrinking AS
SELECT v.number, v.taken - (SELECT count(*) FROM moving AS m WHERE m.number = v.number) AS taken
FROM capacities AS v WHERE v.number IN (SELECT number FROM moving);
INSERT INTO overflow (vehicle, timely, time, seq, place) SELECT number, 0, time, seq, place FROM moving;
UPDATE statuses SET place = m.place FROM temp.moving AS m WHERE statuses.place = m.old;
-- The shapes of such rings are as recent as their rows.
UPDATE vehicles SET overflow = (SELECT count(*) FROM moving AS m WHERE m.number = vehicles.number),
    kept = s.taken, newest = CASE WHEN s.taken = 0 THEN -1 ELSE vehicles.newest END
FROM temp.shrinking AS s WHERE s.number = vehicles.number;
DROP TABLE moving;
DROP TABLE shrinking;
