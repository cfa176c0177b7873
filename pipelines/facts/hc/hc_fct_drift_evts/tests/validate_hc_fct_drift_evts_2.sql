with verdicts as (
  select
    count(*) as found,
    sum(case when ts = 4000 and prescribed_value = 12.0 and drift_direction = 'above' then 1 else 0 end) as above
  from hc_fct_drift_evts_ut
  where device_id = 'DEV-UT-2'
)
select
  case when found = 1 and above = 1 then 'PASS' else 'FAIL' end as test_result,
  found,
  above
from verdicts;
