-- What owners say of their vehicles.

CREATE TABLE vehicle_profiles (
    vehicle     TEXT PRIMARY KEY,          -- the id in its normal form
    name        TEXT,
    reg_number  TEXT,                      -- the licence plate
    type        TEXT,
    battery_kwh REAL,
    max_voltage REAL,                      -- V, of a phase while it charges
    phases      INTEGER,
    zone        TEXT,                      -- of tz database: where its days begin; null: UTC
    tariff      TEXT,                      -- JSON: evd.derived.tariff.Tariff
    coarse_location TEXT                   -- for whom its places are coarse: nobody, viewers or everyone; null: the setting's
) STRICT, WITHOUT ROWID;
