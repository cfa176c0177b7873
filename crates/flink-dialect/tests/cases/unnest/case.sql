-- Group: Queries
-- Construct: `CROSS JOIN UNNEST(...)`, `JSON_QUERY`, `JSON_VALUE`
-- Here: the same
CREATE TABLE prescriptions (id STRING NOT NULL, parameters STRING NOT NULL, PRIMARY KEY (id) NOT ENFORCED);
SELECT id, TRY_CAST(JSON_VALUE(p, '$.value') AS DOUBLE) FROM prescriptions CROSS JOIN UNNEST(JSON_QUERY(parameters, '$' RETURNING ARRAY<STRING>)) AS t(p);
