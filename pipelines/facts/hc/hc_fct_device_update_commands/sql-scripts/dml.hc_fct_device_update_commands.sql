-- Finds the first moment at which a device that is to have another version can be updated.
--
-- Reads       hc_raw_device_events (append), src_hc_devices and src_hc_patients (upsert)
-- Ready       on the charger, 50 to 100 % charged, from 7:00 until before 19:00 where the patient lives
-- To update   the row of the device names a version to have, and the event reports another one; where the event reports
--             none, the row says which one the device has
-- One each    of a device and a version to have, the earliest ready event by ts, then event_id, counts
-- Not judged  an event of an unknown device or patient, or without a battery level or a plug
-- Duplicates  an event sent again is the same moment, and gives the same row
-- State       events 10 minutes (STATE_TTL of e and w): a row of the device or of the patient that comes late or changes
--             judges them again. Ready events 7 days (r), which are few, since a device that has the version is no longer
--             ready for it: only one that was not ready for 7 days gets the same command again. Devices and patients for
--             ever (0 s of d and p). One entry per command for ever, by which the sink tells a command that moved to
--             another event from one that was withdrawn. A sql.state-ttl for the whole statement would forget those, too:
--             leave it unset
INSERT INTO hc_fct_device_update_commands
WITH charged AS (
  SELECT
    event_id,
    device_id,
    patient_id,
    ts,
    battery_level,
    sw_version
  FROM hc_raw_device_events
  WHERE event_type = 'POWER_STATUS'
    AND plugged
    AND battery_level BETWEEN 50 AND 100
),

to_update AS (
  SELECT /*+ STATE_TTL('e' = '10 min', 'd' = '0 s') */
    e.event_id,
    e.device_id,
    e.patient_id,
    e.ts,
    e.battery_level,
    COALESCE(e.sw_version, d.software_version) AS software_version,
    d.target_software_version
  FROM charged AS e
  JOIN src_hc_devices AS d
    ON e.device_id = d.device_id
),

-- CONVERT_TZ wants text; the session's time zone is UTC.
at_home AS (
  SELECT /*+ STATE_TTL('w' = '10 min', 'p' = '0 s') */
    w.*,
    HOUR(TO_TIMESTAMP(CONVERT_TZ(
      DATE_FORMAT(TO_TIMESTAMP_LTZ(w.ts, 3), 'yyyy-MM-dd HH:mm:ss'), 'UTC', p.timezone
    ))) AS local_hour
  FROM to_update AS w
  JOIN src_hc_patients AS p
    ON w.patient_id = p.patient_id
  WHERE w.target_software_version <> w.software_version
),

ready AS (
  SELECT *
  FROM at_home
  WHERE local_hour BETWEEN 7 AND 18
),

-- No aggregate returns the row that has the minimum, and a ROW_NUMBER would keep every row for ever. So the row travels
-- in the text that is compared, behind its time.
first_ready AS (
  SELECT /*+ STATE_TTL('r' = '7 d') */
    r.device_id,
    r.target_software_version,
    MIN(LPAD(CAST(r.ts AS STRING), 15, '0') || JSON_OBJECT(
      KEY 'event_id' VALUE r.event_id,
      KEY 'patient_id' VALUE r.patient_id,
      KEY 'software_version' VALUE r.software_version,
      KEY 'battery_level' VALUE r.battery_level,
      KEY 'local_hour' VALUE r.local_hour
    )) AS packed
  FROM ready AS r
  GROUP BY r.device_id, r.target_software_version
),

unpacked AS (
  SELECT
    device_id,
    target_software_version,
    CAST(SUBSTRING(packed, 1, 15) AS BIGINT) AS ts,
    SUBSTRING(packed, 16) AS item
  FROM first_ready
)

SELECT
  JSON_VALUE(item, '$.event_id') AS event_id,
  'DAYLIGHT_CHARGER_READY' AS reason,
  device_id,
  JSON_VALUE(item, '$.patient_id') AS patient_id,
  ts,
  JSON_VALUE(item, '$.software_version') AS software_version,
  target_software_version,
  CAST(JSON_VALUE(item, '$.battery_level') AS INT) AS battery_level,
  CAST(JSON_VALUE(item, '$.local_hour') AS BIGINT) AS local_hour
FROM unpacked;
