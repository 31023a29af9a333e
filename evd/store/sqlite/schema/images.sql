-- Pictures of vehicles. Their files are in the folder `images` of the data directory, named by the SHA-256 of their content.

CREATE TABLE images (
    vehicle         TEXT PRIMARY KEY,      -- the id in its normal form
    media           TEXT NOT NULL,         -- image/jpeg, image/png or image/webp
    file            TEXT NOT NULL,         -- the picture's file: 64 hex digits
    bytes           INTEGER NOT NULL,
    width           INTEGER NOT NULL,      -- pixels
    height          INTEGER NOT NULL,
    thumbnail       TEXT NOT NULL,         -- its thumbnail's file
    thumbnail_bytes INTEGER NOT NULL,
    changed         INTEGER NOT NULL       -- when it was sent
) STRICT, WITHOUT ROWID;
CREATE INDEX images_by_file ON images (file);
CREATE INDEX images_by_thumbnail ON images (thumbnail);
