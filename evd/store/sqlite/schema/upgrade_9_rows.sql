-- From schema 8 to 9, after derived_open.sql: what was open of each vehicle when all of it was written last. The statuses
-- since then, of its last hour at most, are derived again from its ring; one that left a shorter ring does not count.

INSERT INTO derived (vehicle, state, time, seq, id, fields, start, day, data)
SELECT vehicle, json_remove(state, '$.last', '$.part', '$.start', '$.day', '$.names'),
       state ->> '$.last[0]', state ->> '$.last[1]', state ->> '$.last[2]',
       (SELECT json_group_object(name, json(value)) FROM (
            SELECT value AS name, o.state -> ('$.last[3][' || key || ']') AS value FROM json_each(o.state, '$.names')
            UNION ALL SELECT 'location', o.state -> '$.last[4]')
        WHERE value <> 'null'),
       state ->> '$.start', state ->> '$.day', state ->> '$.part'
FROM derived_8 AS o;
DROP TABLE derived_8;
