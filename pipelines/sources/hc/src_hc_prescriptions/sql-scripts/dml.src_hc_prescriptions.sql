-- Unfolds the parameters of each prescription, a JSON array, into one row per metric.
--
-- Reads       healthcare.public.prescriptions, the change topic of the Postgres table
-- Rows        a parameter without a name, or whose value or tolerance is not a finite number, gives no row: there is
--             nothing to compare a reading with. A negative tolerance would call every reading a drift: no row either.
--             Text that is not a JSON array gives no rows. None of these stops the job
-- Duplicates  of two parameters with one name, the last one counts
-- State       one entry per prescription and metric, kept for ever; it is as large as the table in Postgres
-- Grouping    by the key of the sink, so that an edit is one new row and not a deletion followed by an insertion
INSERT INTO src_hc_prescriptions
WITH prescriptions AS (
  SELECT
    prescription_id,
    patient_id,
    device_id,
    start_date,
    end_date,
    parameters
  FROM `healthcare.public.prescriptions`
),

parameters_by_name AS (
  SELECT
    prescription_id,
    JSON_VALUE(item, '$.parameter_name') AS metric_name,
    patient_id,
    device_id,
    start_date,
    end_date,
    item
  FROM prescriptions
  CROSS JOIN UNNEST(JSON_QUERY(parameters, '$' RETURNING ARRAY<STRING>)) AS unfolded (item)
),

last_by_name AS (
  SELECT
    prescription_id,
    metric_name,
    LAST_VALUE(patient_id) AS patient_id,
    LAST_VALUE(device_id) AS device_id,
    LAST_VALUE(start_date) AS start_date,
    LAST_VALUE(end_date) AS end_date,
    LAST_VALUE(item) AS item
  FROM parameters_by_name
  WHERE metric_name IS NOT NULL
  GROUP BY prescription_id, metric_name
),

-- RETURNING DOUBLE fails the job where the JSON holds an integer; a cast of the text takes both.
targets AS (
  SELECT
    prescription_id,
    metric_name,
    patient_id,
    device_id,
    TRY_CAST(JSON_VALUE(item, '$.parameter_value') AS DOUBLE) AS target_value,
    TRY_CAST(JSON_VALUE(item, '$.parameter_tolerance') AS DOUBLE) AS tolerance,
    start_date,
    end_date
  FROM last_by_name
)

-- The bounds leave out NULL, NaN and the infinities, which all compare as not between.
SELECT
  prescription_id,
  metric_name,
  patient_id,
  device_id,
  target_value,
  tolerance,
  start_date,
  end_date
FROM targets
WHERE target_value BETWEEN -1.0E300 AND 1.0E300
  AND tolerance BETWEEN 0.0E0 AND 1.0E300;
