-- Judges every reading by the prescriptions that are valid at its event time.
--
-- Reads       hc_raw_device_metrics (append), src_hc_prescriptions (upsert)
-- Rule        drift when ABS(actual - target) > tolerance + 1.0E-9, in 64-bit IEEE arithmetic: the band's edge is in range.
--             The billionth is far below what a device can measure and far above the error of a decimal fraction in
--             binary; without it, 10.3 would lie outside of 10 plus or minus 0.3.
--             The same three operations in any language give the same verdict
-- Validity    [start_date, end_date): the first reading at end_date is no longer covered. A reading that no
--             prescription covers gives no row; nor does one that is not a finite number
-- Correction  a prescription that changes or arrives late judges again the readings still in state, which are those
--             received within the last 10 minutes of processing time. Older verdicts stay as they are.
--             Where a verdict changes its numbers, its key gets a tombstone first and then the new row
-- Duplicates  a reading sent twice is kept twice in state and joins twice, to the same key and the same row: written
--             again on arrival, taken back twice and written twice on a correction, always in that order. It counts once
-- State       readings 10 minutes (STATE_TTL of m), prescriptions for ever (0 s of r): one that has expired would
--             silence its device. A sql.state-ttl for the whole statement would expire those, too: leave it unset
INSERT INTO hc_fct_drift_evts
WITH out_of_range AS (
  SELECT /*+ STATE_TTL('m' = '10 min', 'r' = '0 s') */
    m.device_id,
    m.metric_name,
    m.ts,
    r.prescription_id,
    m.patient_id,
    r.target_value AS prescribed_value,
    m.metric_value AS actual_value,
    r.tolerance,
    m.metric_value - r.target_value AS deviation
  FROM hc_raw_device_metrics AS m
  JOIN src_hc_prescriptions AS r
    ON m.device_id = r.device_id
    AND m.metric_name = r.metric_name
    AND m.ts >= r.start_date
    AND (r.end_date IS NULL OR m.ts < r.end_date)
  WHERE ABS(m.metric_value - r.target_value) > r.tolerance + 1.0E-9
    AND m.metric_value BETWEEN -1.0E300 AND 1.0E300
),

verdicts AS (
  SELECT
    *,
    CASE WHEN deviation > 0 THEN 'above' ELSE 'below' END AS drift_direction
  FROM out_of_range
)

SELECT
  device_id,
  metric_name,
  ts,
  prescription_id,
  patient_id,
  prescribed_value,
  actual_value,
  tolerance,
  deviation,
  drift_direction,
  -- For people: rounded, and not to be compared.
  metric_name || ' ' || CAST(ROUND(actual_value, 2) AS STRING)
    || ' is ' || drift_direction || ' the prescribed ' || CAST(prescribed_value AS STRING)
    || ' by ' || CAST(ROUND(ABS(deviation), 2) AS STRING)
    || ', tolerance ' || CAST(tolerance AS STRING) AS message
FROM verdicts;
