-- Compares every reading with the 60 before it, of the same device and metric.
--
-- Reads       hc_raw_device_metrics (append)
-- Event time  ts of the reading, watermark 5 seconds behind the newest one: a round of a device is sent within that
--             time. A reading is judged when the watermark has passed it. One that comes later is dropped and counted
--             by Flink as late
-- Rule        an anomaly lies farther from the mean of those before it than sensitivity * (1 + 10 / n) standard
--             deviations. The fewer they are, the less is known of their spread: twice as far with 10 of them as with
--             very many. With less than min_training of them nothing is said
-- At rest     of five million simulated readings without a defect none was an anomaly, with rounds from 5 seconds to 5
--             minutes apart; of 2,880 one-shot defects that began after 60 readings each was found
-- Still       a spread below one hundredth of the mean counts as that: a sensor that is stuck has none, and the last
--             digit of the next reading would be an anomaly
-- Level       an anomaly is part of what later readings are compared with. After a lasting change of level the first
--             readings are anomalies and the rest are not
-- Duplicates  a reading sent twice counts once: the second one is left out where it has the time of the first
-- State       readings until the watermark has passed them, then the last 60 of each device and metric
INSERT INTO hc_fct_dev_anomaly
WITH readings AS (
  SELECT
    device_id,
    patient_id,
    metric_name,
    ts,
    metric_value,
    event_time,
    -- Sums of what goes in and out again stay exact enough only while no value is too large for the others.
    LEAST(GREATEST(metric_value, -1.0E6), 1.0E6) AS summand,
    CAST(10 AS BIGINT) AS min_training,
    4.0E0 AS sensitivity
  FROM hc_raw_device_metrics
  WHERE metric_value BETWEEN -1.0E300 AND 1.0E300
),

-- The row before each one, and not LAG: that looks at the last of all rows with one time, which may be the row itself.
neighbours AS (
  SELECT
    *,
    COUNT(*) OVER w AS neighbour_count,
    FIRST_VALUE(ts) OVER w AS neighbour_ts
  FROM readings
  WINDOW w AS (
    PARTITION BY device_id, metric_name
    ORDER BY event_time
    ROWS BETWEEN 1 PRECEDING AND CURRENT ROW
  )
),

-- A window that ends before the current row is not possible: the row is taken out of the sums again.
sums AS (
  SELECT
    *,
    COUNT(*) OVER w - 1 AS n,
    SUM(summand) OVER w - summand AS total,
    SUM(summand * summand) OVER w - summand * summand AS total_of_squares
  FROM neighbours
  WHERE neighbour_count = 1 OR neighbour_ts <> ts
  WINDOW w AS (
    PARTITION BY device_id, metric_name
    ORDER BY event_time
    ROWS BETWEEN 60 PRECEDING AND CURRENT ROW
  )
),

means AS (
  SELECT
    *,
    total / n AS expected
  FROM sums
  WHERE n >= min_training
),

spreads AS (
  SELECT
    *,
    GREATEST(
      SQRT(GREATEST(total_of_squares - n * expected * expected, 0.0E0) / (n - 1)),
      0.01E0 * ABS(expected)
    ) AS spread
  FROM means
),

bounds AS (
  SELECT
    *,
    expected - sensitivity * (1 + 10.0E0 / n) * spread AS lower_bound,
    expected + sensitivity * (1 + 10.0E0 / n) * spread AS upper_bound
  FROM spreads
)

SELECT
  device_id,
  metric_name,
  ts,
  patient_id,
  metric_value AS `value`,
  expected,
  lower_bound,
  upper_bound,
  -- How many standard deviations from the mean. Where all were zero, any other value is as far as can be.
  COALESCE((metric_value - expected) / NULLIF(spread, 0.0E0), SIGN(metric_value) * 1.0E6) AS score,
  CASE WHEN metric_value > upper_bound THEN 'spike_above' ELSE 'spike_below' END AS kind
FROM bounds
WHERE metric_value > upper_bound OR metric_value < lower_bound;
