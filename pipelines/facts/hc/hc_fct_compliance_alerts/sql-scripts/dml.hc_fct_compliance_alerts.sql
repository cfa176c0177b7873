-- Finds episodes out of range that last, in the order of event time.
--
-- Reads       hc_raw_device_metrics (append), int_hc_prescriptions (upsert, as of)
-- Event time  ts of the reading, watermark 5 seconds behind the newest one: a round of a device is sent within that
--             time. A reading is judged when the watermark has passed it, by the prescriptions known at that moment.
--             One that comes later is dropped and counted by Flink as late
-- Rule        out of range as in hc_fct_drift_evts: ABS(actual - target) > tolerance + 1.0E-9. Of several valid
--             prescriptions the one that starts last judges, of two with one start the greater prescription_id
-- Episode     consecutive readings out of range. It ends with a reading that is in range or that no prescription covers,
--             not with silence; a new prescription does not end it while the readings stay out of range. One that is
--             open when the stream begins starts at the first reading. Shorter than alert_after_ms: no row
-- Row         patient, prescription, target and tolerance are those of the reading that raised it; last_value is the
--             reading that the row was written for
-- Duplicates  a reading sent twice counts once: the second one is left out where it has the time of the first
-- State       prescriptions for ever; readings until the watermark has passed them; for each device and metric the
--             last reading and the current episode
INSERT INTO hc_fct_compliance_alerts
WITH readings AS (
  SELECT
    device_id,
    patient_id,
    metric_name,
    ts,
    metric_value,
    event_time,
    CAST(5 * 60 * 1000 AS BIGINT) AS alert_after_ms
  FROM hc_raw_device_metrics
  WHERE metric_value BETWEEN -1.0E300 AND 1.0E300
),

-- Every reading with each prescription of its device and metric, or with one that is never valid where there is none.
-- The precedence of those that do not cover it is the lowest.
candidates AS (
  SELECT
    m.device_id,
    m.patient_id,
    m.metric_name,
    m.ts,
    m.metric_value,
    m.event_time,
    m.alert_after_ms,
    p.prescription_id,
    p.target_value,
    p.tolerance,
    CASE
      WHEN m.ts >= p.start_date AND (p.end_date IS NULL OR m.ts < p.end_date)
        THEN LPAD(CAST(p.start_date AS STRING), 19, '0') || p.prescription_id
      ELSE ''
    END AS precedence
  FROM readings AS m
  LEFT JOIN int_hc_prescriptions FOR SYSTEM_TIME AS OF m.event_time AS r
    ON m.device_id = r.device_id
    AND m.metric_name = r.metric_name
  CROSS JOIN UNNEST(
    COALESCE(r.prescriptions, ARRAY[ROW('', 0.0E0, 0.0E0, CAST(0 AS BIGINT), CAST(0 AS BIGINT))])
  ) AS p (prescription_id, target_value, tolerance, start_date, end_date)
),

compared AS (
  SELECT
    *,
    MAX(precedence) OVER (
      PARTITION BY device_id, metric_name
      ORDER BY event_time
      RANGE BETWEEN INTERVAL '0' SECOND PRECEDING AND CURRENT ROW
    ) AS highest_precedence
  FROM candidates
),

judged AS (
  SELECT
    *,
    precedence <> '' AND ABS(metric_value - target_value) > tolerance + 1.0E-9 AS is_out
  FROM compared
  WHERE precedence = highest_precedence
),

-- The row before each one, and not LAG: that looks at the last of all rows with one time, which may be the row itself.
neighbours AS (
  SELECT
    *,
    COUNT(*) OVER w AS neighbour_count,
    FIRST_VALUE(ts) OVER w AS neighbour_ts
  FROM judged
  WINDOW w AS (
    PARTITION BY device_id, metric_name
    ORDER BY event_time
    ROWS BETWEEN 1 PRECEDING AND CURRENT ROW
  )
),

followed AS (
  SELECT
    *,
    LAG(ts) OVER w AS previous_ts,
    COALESCE(LAG(is_out) OVER w, FALSE) AS previous_is_out
  FROM neighbours
  WHERE neighbour_count = 1 OR neighbour_ts <> ts
  WINDOW w AS (PARTITION BY device_id, metric_name ORDER BY event_time)
),

episodes AS (
  SELECT
    *,
    LAST_VALUE(CASE WHEN is_out AND NOT previous_is_out THEN ts END) OVER (
      PARTITION BY device_id, metric_name
      ORDER BY event_time
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS episode_start
  FROM followed
),

lasting AS (
  SELECT
    *,
    is_out AND ts - episode_start >= alert_after_ms AS lasts,
    previous_is_out AND previous_ts - episode_start >= alert_after_ms AS lasted
  FROM episodes
),

-- The row before a recovery is the one that raised its episode.
events AS (
  SELECT
    *,
    LAG(patient_id) OVER w AS raised_patient_id,
    LAG(prescription_id) OVER w AS raised_prescription_id,
    LAG(target_value) OVER w AS raised_target_value,
    LAG(tolerance) OVER w AS raised_tolerance,
    LAG(ts) OVER w AS raised_ts
  FROM lasting
  WHERE lasts <> lasted
  WINDOW w AS (PARTITION BY device_id, metric_name ORDER BY event_time)
),

alerts AS (
  SELECT
    device_id,
    metric_name,
    episode_start,
    CASE WHEN lasts THEN patient_id ELSE raised_patient_id END AS patient_id,
    CASE WHEN lasts THEN prescription_id ELSE raised_prescription_id END AS prescription_id,
    CASE WHEN lasts THEN target_value ELSE raised_target_value END AS prescribed_value,
    CASE WHEN lasts THEN tolerance ELSE raised_tolerance END AS tolerance,
    metric_value AS `last_value`,
    CASE WHEN lasts THEN 'raised' ELSE 'recovered' END AS status,
    CASE WHEN lasts THEN ts ELSE raised_ts END AS raised_at,
    CASE WHEN lasts THEN CAST(NULL AS BIGINT) ELSE ts END AS recovered_at,
    CASE WHEN lasts THEN CAST(NULL AS BIGINT) ELSE ts - episode_start END AS duration_ms,
    (ts - episode_start) / 60000 AS minutes
  FROM events
)

SELECT
  device_id,
  metric_name,
  episode_start,
  patient_id,
  prescription_id,
  prescribed_value,
  tolerance,
  `last_value`,
  status,
  raised_at,
  recovered_at,
  duration_ms,
  -- For people: rounded, and not to be compared.
  metric_name || CASE WHEN status = 'raised' THEN ' is' ELSE ' was' END || ' out of range for '
    || CAST(minutes AS STRING) || ' min: now ' || CAST(ROUND(`last_value`, 2) AS STRING)
    || ', prescribed ' || CAST(prescribed_value AS STRING)
    || ', tolerance ' || CAST(tolerance AS STRING) AS message
FROM alerts;
