-- Joins every assigned device with its patient and, per metric, with the prescription that starts last.
--
-- Reads       src_hc_patients, src_hc_devices, src_hc_prescriptions (all upsert)
-- Assignment  devices.patient_id: a device that is nobody's gives no row, nor does a patient without a device
-- Prescribed  of this patient and this device: what was prescribed to the device's former patient does not count. Of
--             two with one start the one with the greater prescription_id counts. NULL where nothing is prescribed
-- State       every row of the three tables, for ever; it is as large as the tables in Postgres
INSERT INTO hc_dim_patients
WITH prescriptions AS (
  SELECT
    patient_id,
    device_id,
    metric_name,
    target_value,
    ROW_NUMBER() OVER (
      PARTITION BY patient_id, device_id, metric_name
      ORDER BY start_date DESC, prescription_id DESC
    ) AS place
  FROM src_hc_prescriptions
),

prescribed AS (
  SELECT
    patient_id,
    device_id,
    MAX(target_value) FILTER (WHERE metric_name = 'Pressure') AS prescribed_pressure,
    MAX(target_value) FILTER (WHERE metric_name = 'FlowRate') AS prescribed_flow_rate,
    MAX(target_value) FILTER (WHERE metric_name = 'FlowLevel') AS prescribed_flow_level
  FROM prescriptions
  WHERE place = 1
  GROUP BY patient_id, device_id
)

SELECT
  p.patient_id,
  d.device_id,
  p.name,
  p.gender,
  p.birth_date,
  p.zip_code,
  d.model_type,
  d.serial_number,
  d.pressure_setting AS device_pressure,
  d.flow_rate_setting AS device_flow_rate,
  d.flow_level_setting AS device_flow_level,
  r.prescribed_pressure,
  r.prescribed_flow_rate,
  r.prescribed_flow_level
FROM src_hc_devices AS d
JOIN src_hc_patients AS p
  ON d.patient_id = p.patient_id
LEFT JOIN prescribed AS r
  ON d.patient_id = r.patient_id
  AND d.device_id = r.device_id;
