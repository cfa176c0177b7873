-- Compares each press with the first one of its assignment.
--
-- Reads       hc_raw_device_events (append) only. The event names the patient who wore the device when the button was
--             pressed; the row of the device would say who does now. A press of an unknown device is routed, too: an
--             emergency must not wait for a row
-- Order       by ts, then event_id, whatever order they arrive in. Nothing waits for a watermark, which would hold the
--             last press back until something else happens
-- Returning   a patient who gets the same device again goes on where the two left off: that button is verified
-- Duplicates  an event sent again is the same press, and gives the same row
-- State       the first press of each assignment for ever, one entry per device and patient (0 s of f); other presses
--             1 hour (STATE_TTL of p): an earlier press that arrives later than that becomes the first one, and leaves
--             the routes of the older ones as they are. A sql.state-ttl for the whole statement would forget the first
--             presses, so that an emergency would be taken for a test: leave it unset
INSERT INTO hc_fct_button_routing
WITH presses AS (
  SELECT
    event_id,
    device_id,
    patient_id,
    ts
  FROM hc_raw_device_events
  WHERE event_type = 'BUTTON_PRESSED'
),

presses_in_order AS (
  SELECT
    *,
    ROW_NUMBER() OVER (PARTITION BY device_id, patient_id ORDER BY ts, event_id) AS place
  FROM presses
),

first_presses AS (
  SELECT
    device_id,
    patient_id,
    event_id
  FROM presses_in_order
  WHERE place = 1
)

SELECT /*+ STATE_TTL('p' = '1 h', 'f' = '0 s') */
  p.event_id,
  p.device_id,
  p.patient_id,
  p.ts,
  CASE WHEN p.event_id = f.event_id THEN 'VERIFICATION' ELSE 'EMERGENCY' END AS route,
  f.event_id AS first_event_id
FROM presses AS p
JOIN first_presses AS f
  ON p.device_id = f.device_id
  AND p.patient_id = f.patient_id;
