with verdicts as (
  select
    count(*) as found,
    sum(case when ts = 3000 and drift_direction = 'above' and deviation = 2.0 then 1 else 0 end) as above,
    sum(case when ts = 4000 and drift_direction = 'below' and deviation = -1.5 then 1 else 0 end) as below
  from hc_fct_drift_evts_ut
  where device_id = 'DEV-UT-1'
)
select
  case when found = 2 and above = 1 and below = 1 then 'PASS' else 'FAIL' end as test_result,
  found,
  above,
  below
from verdicts;
