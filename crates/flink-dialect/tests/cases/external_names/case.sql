-- Group: Topics of others
-- Construct: named types: the same name in two namespaces, references by full and by short name
-- Here: each reference is the type of its namespace
SELECT a.x, b.y, c.x, d.y FROM t;
