-- Group: Statements
-- Construct: comments, quotes, several semicolons
-- Here: part of no statement, kept in what is sent
-- Head; comment
/* and 'another; */ DROP /* between */ TABLE t -- end;
;
;
SELECT 'a -- b' /* c */ FROM (VALUES (1)) AS `v;w`(`x y`) -- the end
;
SELECT 'open
