-- Group: Topics of others
-- Construct: a topic whose value repeats the key
-- Here: the key is read from the value, once: `value.fields-include` = `all`
SELECT * FROM t;
