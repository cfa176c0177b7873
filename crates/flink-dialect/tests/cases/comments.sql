-- Head; comment
/* and 'another; */ DROP /* between */ TABLE t -- end;
;
;
