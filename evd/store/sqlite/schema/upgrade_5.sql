-- From schema 4 to 5: the tables of schema.sql.

ALTER TABLE vehicles ADD COLUMN overflow INTEGER NOT NULL DEFAULT 0;

-- Mask the secrets that older versions kept of refused requests (evd.store.sqlite.old_secrets).
UPDATE rejected SET route = kept_route(route), headers = kept_headers(headers), body = kept_body(headers, body);
ALTER TABLE rejected ADD COLUMN is_text INTEGER NOT NULL DEFAULT 0;
UPDATE rejected SET is_text = is_text(body);
