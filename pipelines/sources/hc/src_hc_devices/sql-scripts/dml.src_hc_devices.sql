-- Takes the captured row, without what only Postgres needs.
--
-- Reads       healthcare.public.devices, the change topic of the Postgres table
-- Duplicates  a change that is delivered twice writes the same row twice
-- State       none
INSERT INTO src_hc_devices
WITH devices AS (
  SELECT
    device_id,
    patient_id,
    manufacturer,
    model_type,
    serial_number,
    software_version,
    target_software_version,
    hw_model,
    pressure_setting,
    flow_rate_setting,
    flow_level_setting,
    latitude,
    longitude,
    battery_level,
    plugged
  FROM `healthcare.public.devices`
)

SELECT
  device_id,
  patient_id,
  manufacturer,
  model_type,
  serial_number,
  software_version,
  target_software_version,
  hw_model,
  pressure_setting,
  flow_rate_setting,
  flow_level_setting,
  latitude,
  longitude,
  battery_level,
  plugged
FROM devices;
