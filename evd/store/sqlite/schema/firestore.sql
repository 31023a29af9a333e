-- What evd knows of the Firestore of the original's app (evd.firebase).

-- Vehicles of users' documents as evd read or wrote them last. What a document has otherwise, the app has changed.
CREATE TABLE firestore_vehicles (
    uid     TEXT NOT NULL,
    vehicle TEXT NOT NULL,
    listed  INTEGER NOT NULL,              -- 1: the sync read it in the user's document
    added   INTEGER NOT NULL,              -- 1: the sync made the user its owner, and may end that
    profile TEXT NOT NULL,                 -- JSON: what the document says of it; absent members are not known
    PRIMARY KEY (uid, vehicle)
) STRICT, WITHOUT ROWID;
CREATE INDEX firestore_vehicles_of_vehicle ON firestore_vehicles (vehicle);

-- The last statuses that evd wrote there. A row outlives its user and its vehicle until its document is deleted, so its
-- columns are not named as theirs.
CREATE TABLE firestore_statuses (
    user   TEXT NOT NULL,
    car    TEXT NOT NULL,                  -- a vehicle's id
    status TEXT NOT NULL,                  -- a status's id
    PRIMARY KEY (user, car)
) STRICT, WITHOUT ROWID;
CREATE INDEX firestore_statuses_of_car ON firestore_statuses (car);
