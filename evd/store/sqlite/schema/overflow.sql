-- The overflow of the rings: statuses that came so late that many rows of the circle would have to move, that are ahead
-- of the clock, or for which a ring that is being enlarged has no slot yet. Their rows are in `statuses`, at places
-- below zero: -vehicles.number * 1048576 - 1 and downwards.
CREATE TABLE overflow (
    vehicle INTEGER NOT NULL,              -- vehicles.number
    timely  INTEGER NOT NULL,              -- as in statuses, by which this is sorted
    time    INTEGER NOT NULL,
    seq     INTEGER NOT NULL,
    place   INTEGER NOT NULL,              -- of equal ones, the one that came first has the highest
    PRIMARY KEY (vehicle, timely, time, seq, place)
) STRICT, WITHOUT ROWID;
