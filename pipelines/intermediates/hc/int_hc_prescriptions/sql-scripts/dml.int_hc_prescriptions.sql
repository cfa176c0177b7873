-- Collects the prescriptions of each device and metric.
--
-- Reads       src_hc_prescriptions (upsert)
-- Order       of the prescriptions in a row: none that a reader may rely on
-- State       every prescription, for ever; it is as large as the table in Postgres
INSERT INTO int_hc_prescriptions
WITH prescriptions AS (
  SELECT
    prescription_id,
    metric_name,
    device_id,
    target_value,
    tolerance,
    start_date,
    end_date
  FROM src_hc_prescriptions
)

SELECT
  device_id,
  metric_name,
  ARRAY_AGG(ROW(prescription_id, target_value, tolerance, start_date, end_date)) AS prescriptions
FROM prescriptions
GROUP BY device_id, metric_name;
