-- What owners say of their vehicles: profiles and images.

CREATE TABLE vehicle_profiles (
    vehicle     TEXT PRIMARY KEY,          -- the id in its normal form
    name        TEXT,
    reg_number  TEXT,                      -- the licence plate
    type        TEXT,
    battery_kwh REAL,
    max_voltage REAL,                      -- V, of a phase while it charges
    phases      INTEGER,
    zone        TEXT,                      -- of tz database: where its days begin; null: UTC
    tariff      TEXT                       -- JSON: evd.derived.tariff.Tariff
) STRICT, WITHOUT ROWID;
