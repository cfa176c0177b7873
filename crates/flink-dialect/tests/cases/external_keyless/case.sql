-- Group: Topics of others
-- Construct: a topic without key subject, or with a key that is no record
-- Here: the columns of the value. A key that is no record is refused
SELECT * FROM t;
