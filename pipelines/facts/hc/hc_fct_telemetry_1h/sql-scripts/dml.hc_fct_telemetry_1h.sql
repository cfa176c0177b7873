-- Counts and averages the readings of each hour.
--
-- Reads       hc_raw_device_metrics (append)
-- Event time  ts of the reading, watermark 5 seconds behind the newest one: a round of a device is sent within that
--             time. An hour is written when the watermark has passed its end, which takes a reading of the next hour.
--             A reading that comes after that is dropped and counted by Flink as late
-- Duplicates  a reading sent twice counts once: the first aggregation keeps one value for each time, the second one
--             sums up the times
-- Left out    values that are not finite numbers
-- State       the times of the hours that are not over: what a device sends in an hour, once per metric and time
INSERT INTO hc_fct_telemetry_1h
WITH readings AS (
  SELECT
    device_id,
    patient_id,
    metric_name,
    ts,
    metric_value,
    event_time
  FROM hc_raw_device_metrics
  WHERE metric_value BETWEEN -1.0E300 AND 1.0E300
),

distinct_readings AS (
  SELECT
    window_start,
    window_end,
    device_id,
    patient_id,
    metric_name,
    ts,
    MAX(metric_value) AS metric_value
  FROM TABLE(TUMBLE(TABLE readings, DESCRIPTOR(event_time), INTERVAL '1' HOUR))
  GROUP BY window_start, window_end, device_id, patient_id, metric_name, ts
),

hours AS (
  SELECT
    window_start,
    window_end,
    device_id,
    patient_id,
    metric_name,
    AVG(metric_value) AS avg_value,
    MIN(metric_value) AS min_value,
    MAX(metric_value) AS max_value,
    COUNT(*) AS count_reading
  FROM distinct_readings
  GROUP BY window_start, window_end, device_id, patient_id, metric_name
)

-- Seconds as BIGINT before they are multiplied: as INT they would overflow.
SELECT
  CAST(EXTRACT(EPOCH FROM window_start) AS BIGINT) * 1000 AS window_start,
  device_id,
  patient_id,
  metric_name,
  CAST(EXTRACT(EPOCH FROM window_end) AS BIGINT) * 1000 AS window_end,
  avg_value,
  min_value,
  max_value,
  count_reading
FROM hours;
