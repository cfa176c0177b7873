-- Attributes each hour of a device to a cause, where its means say so. docs/simulator.md has the rules and their reasons.
--
-- Reads       hc_raw_device_metrics (append), src_hc_devices (upsert)
-- Hours       tumbling, of event time; an hour is judged once the watermark, 5 s behind the readings, has passed its end.
--             A reading that comes later than that is left out
-- Duplicates  a reading (device, metric, ts) counts once however often it is sent: a first aggregation by its identity,
--             a second one over the same window
-- Not judged  an hour with fewer than three readings of pressure or of flow rate, where one of them decides everything;
--             a reading that is not a finite number; a device without a row, or with a setting of 0
-- Settings    a regular join, and not an as-of join: the row of a device says since when by the wall clock only, which is
--             not the time of the readings. What is known when the hour ends counts. A setting that changes judges again
--             the hours that ended within the last 2 minutes of processing time, never older ones; the same 2 minutes
--             are how long an hour waits for the row of its device
-- State       readings of the hours that are open; the four newest hours of each device (OVER removes what the frame
--             leaves); hours 2 minutes (STATE_TTL of h); settings for ever (0 s of d), as many as there are devices.
--             A sql.state-ttl for the whole statement would forget the settings, too: leave it unset
INSERT INTO hc_fct_device_health
WITH readings AS (
  SELECT
    window_start,
    window_end,
    window_time,
    device_id,
    metric_name,
    ts,
    MAX(patient_id) AS patient_id,
    MAX(metric_value) AS metric_value
  FROM TABLE(TUMBLE(TABLE hc_raw_device_metrics, DESCRIPTOR(event_time), INTERVAL '1' HOUR))
  WHERE metric_value BETWEEN -1.0E300 AND 1.0E300
  GROUP BY window_start, window_end, window_time, device_id, metric_name, ts
),

hours AS (
  SELECT
    window_start,
    window_end,
    window_time,
    device_id,
    CASE WHEN MIN(patient_id) = MAX(patient_id) THEN MAX(patient_id) END AS patient_id,
    AVG(metric_value) FILTER (WHERE metric_name = 'Pressure') AS pressure,
    AVG(metric_value) FILTER (WHERE metric_name = 'FlowRate') AS flow_rate,
    AVG(metric_value) FILTER (WHERE metric_name = 'FlowLevel') AS flow_level,
    MIN(metric_value) FILTER (WHERE metric_name = 'Pressure') AS pressure_min,
    MAX(metric_value) FILTER (WHERE metric_name = 'Pressure') AS pressure_max,
    COUNT(*) FILTER (WHERE metric_name = 'Pressure') AS pressure_readings,
    COUNT(*) FILTER (WHERE metric_name = 'FlowRate') AS flow_rate_readings,
    COUNT(*) FILTER (WHERE metric_name = 'FlowLevel') AS flow_level_readings
  FROM readings
  GROUP BY window_start, window_end, window_time, device_id
),

frames AS (
  SELECT
    *,
    COUNT(pressure) OVER frame AS frame_hours,
    SUM(pressure) OVER frame AS frame_pressure,
    FIRST_VALUE(pressure) OVER frame AS first_pressure
  FROM hours
  WINDOW frame AS (
    PARTITION BY device_id ORDER BY window_time
    RANGE BETWEEN INTERVAL '3' HOUR PRECEDING AND CURRENT ROW
  )
),

trends AS (
  SELECT
    *,
    CASE WHEN frame_hours = 4 THEN first_pressure END AS pressure_before,
    CASE WHEN frame_hours = 4 THEN (frame_pressure - first_pressure - pressure) / 2 END AS pressure_between
  FROM frames
  WHERE LEAST(pressure_readings, flow_rate_readings) >= 3
),

-- Rounded to a billionth, so that what lies on a bound in decimals lies on it in binary, too.
distances AS (
  SELECT /*+ STATE_TTL('h' = '2 min', 'd' = '0 s') */
    h.*,
    ROUND(h.pressure / NULLIF(d.pressure_setting, 0) - 1, 9) AS pressure_change,
    ROUND(h.flow_rate / NULLIF(d.flow_rate_setting, 0) - 1, 9) AS flow_rate_change,
    ROUND(h.flow_level / NULLIF(d.flow_level_setting, 0) - 1, 9) AS flow_level_change,
    ROUND(h.pressure_before / NULLIF(d.pressure_setting, 0) - 1, 9) AS pressure_before_change
  FROM trends AS h
  JOIN src_hc_devices AS d
    ON h.device_id = d.device_id
),

-- 1 above, -1 below, 0 near the setting.
signs AS (
  SELECT
    *,
    CASE WHEN ABS(flow_rate_change) <= 0.15E0 THEN 0 ELSE SIGN(flow_rate_change) END AS flow,
    CASE WHEN ABS(pressure_change) <= 0.08E0 THEN 0 ELSE SIGN(pressure_change) END AS push,
    -- A spike or a swing within the hour raises its mean, too, and is no filter.
    pressure_max <= 1.5E0 * pressure_min AS is_steady,
    -- The second condition tells a slope from a step.
    pressure > 1.1E0 * pressure_before AND pressure_between > 1.05E0 * pressure_before AS is_rising,
    -- A filter that is full no longer rises.
    LEAST(pressure_change, pressure_before_change) > 0.35E0 AS is_high
  FROM distances
),

causes AS (
  SELECT
    *,
    CASE
      WHEN flow = 1 THEN 'mask_leak'
      WHEN flow = -1 AND push = 1 THEN 'patient_condition'
      WHEN flow = -1 AND push = -1 THEN 'mechanical_wear'
      WHEN flow = 0 AND push = 1 AND is_steady AND (is_rising OR is_high) THEN 'clogged_filter'
    END AS cause
  FROM signs
)

SELECT
  device_id,
  CAST(EXTRACT(EPOCH FROM window_start) AS BIGINT) * 1000 AS window_start,
  cause,
  CAST(EXTRACT(EPOCH FROM window_end) AS BIGINT) * 1000 AS window_end,
  patient_id,
  pressure,
  flow_rate,
  flow_level,
  pressure_change,
  flow_rate_change,
  flow_level_change,
  pressure_min,
  pressure_max,
  pressure_before,
  pressure_between,
  pressure_readings,
  flow_rate_readings,
  flow_level_readings
FROM causes
WHERE cause IS NOT NULL;
