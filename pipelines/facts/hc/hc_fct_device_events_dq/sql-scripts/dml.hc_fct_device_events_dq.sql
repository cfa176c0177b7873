-- Looks at each event by itself, and at whether its device is known.
--
-- Reads       hc_raw_device_events (append), src_hc_devices (upsert)
-- Timestamps  bad before 2020-01-01, and more than a day after Kafka received the event ($rowtime, which is the same
--             whenever the event is read again; the clock of the job is not)
-- Missing     a place of GPS, a battery level or a plug of POWER_STATUS
-- Not judged  whether the patient is the one who wears the device: its row says who does now, not who did then
-- Duplicates  an event sent again has the same key and gives the same row
-- State       events 10 minutes (STATE_TTL of e), which is how long UNKNOWN_DEVICE can be taken back, or brought by a
--             deletion; devices for ever (0 s of d). A sql.state-ttl for the whole statement would forget the devices,
--             too: leave it unset
INSERT INTO hc_fct_device_events_dq
WITH events AS (
  SELECT
    *,
    TO_TIMESTAMP_LTZ(ts, 3) BETWEEN TO_TIMESTAMP_LTZ(1577836800000, 3) AND `$rowtime` + INTERVAL '1' DAY AS is_timely
  FROM hc_raw_device_events
),

events_with_device AS (
  SELECT /*+ STATE_TTL('e' = '10 min', 'd' = '0 s') */
    e.event_id,
    e.device_id,
    e.patient_id,
    e.event_type,
    e.ts,
    e.lat,
    e.lng,
    e.battery_level,
    e.plugged,
    e.is_timely,
    d.device_id AS known_device_id
  FROM events AS e
  LEFT JOIN src_hc_devices AS d
    ON e.device_id = d.device_id
)

SELECT
  event_id,
  reason,
  device_id,
  patient_id,
  event_type,
  ts
FROM events_with_device
CROSS JOIN UNNEST(ARRAY[
  -- A number beyond any calendar is no time at all, and neither true nor false.
  CASE WHEN is_timely IS NOT TRUE THEN 'BAD_TIMESTAMP' END,
  CASE WHEN lat NOT BETWEEN -90 AND 90 THEN 'LAT_OUT_OF_RANGE' END,
  CASE WHEN lng NOT BETWEEN -180 AND 180 THEN 'LNG_OUT_OF_RANGE' END,
  CASE WHEN battery_level NOT BETWEEN 0 AND 100 THEN 'BATTERY_OUT_OF_RANGE' END,
  CASE
    WHEN event_type = 'GPS' AND (lat IS NULL OR lng IS NULL) THEN 'MISSING_VALUE'
    WHEN event_type = 'POWER_STATUS' AND (battery_level IS NULL OR plugged IS NULL) THEN 'MISSING_VALUE'
  END,
  CASE WHEN known_device_id IS NULL THEN 'UNKNOWN_DEVICE' END
]) AS found (reason)
WHERE reason IS NOT NULL;
