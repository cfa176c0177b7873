-- Counts the readings of each hour that are in range, and all that a prescription covers.
--
-- Reads       hc_raw_device_metrics (append), src_hc_prescriptions (upsert)
-- Rule        as in hc_fct_drift_evts: out of range when ABS(actual - target) > tolerance + 1.0E-9, validity
--             [start_date, end_date), values that are not finite numbers left out. A reading that two prescriptions
--             judge differently is out of range, since one of them is not followed
-- Correction  as in hc_fct_drift_evts: a prescription that changes or arrives late judges again the readings received
--             within the last 10 minutes of processing time, and their hours are written again
-- Duplicates  a reading sent twice counts once: an hour counts distinct times
-- State       readings 10 minutes (STATE_TTL of m), prescriptions for ever (0 s of r). An hour has the times of its
--             readings and is forgotten 6 hours of processing time after its last one (STATE_TTL of j): longer than
--             the correction window, and than any hour lasts. Where the readings of one hour pause for longer than
--             that, it is counted anew from what follows
INSERT INTO hc_fct_compliance_1h
WITH judged AS (
  SELECT /*+ STATE_TTL('m' = '10 min', 'r' = '0 s') */
    m.device_id,
    m.patient_id,
    m.metric_name,
    m.ts,
    m.ts - MOD(m.ts, CAST(3600000 AS BIGINT)) AS window_start,
    ABS(m.metric_value - r.target_value) > r.tolerance + 1.0E-9 AS is_out
  FROM hc_raw_device_metrics AS m
  JOIN src_hc_prescriptions AS r
    ON m.device_id = r.device_id
    AND m.metric_name = r.metric_name
    AND m.ts >= r.start_date
    AND (r.end_date IS NULL OR m.ts < r.end_date)
  WHERE m.metric_value BETWEEN -1.0E300 AND 1.0E300
),

hours AS (
  SELECT /*+ STATE_TTL('j' = '6 h') */
    j.window_start,
    j.device_id,
    j.patient_id,
    j.metric_name,
    COUNT(DISTINCT j.ts) AS readings_total,
    COUNT(DISTINCT j.ts) FILTER (WHERE j.is_out) AS readings_out
  FROM judged AS j
  GROUP BY j.window_start, j.device_id, j.patient_id, j.metric_name
)

SELECT
  window_start,
  device_id,
  patient_id,
  metric_name,
  window_start + 3600000 AS window_end,
  readings_total - readings_out AS readings_in_range,
  readings_total,
  100.0E0 * (readings_total - readings_out) / readings_total AS compliance_pct
FROM hours;
