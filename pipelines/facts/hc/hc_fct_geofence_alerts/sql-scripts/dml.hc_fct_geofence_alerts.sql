-- Compares each place of a device with the circle around its location.
--
-- Reads       hc_raw_device_events (append), src_hc_devices (upsert)
-- Fence       radius 500 m, on a sphere with the earth's mean radius: at most 0.6 % from the ellipsoid. On the circle is
--             inside. Haversine, which is exact for near places, where the law of cosines is not
-- Not judged  an event without a possible place (hc_fct_device_events_dq names it); a device that is unknown or has no
--             location
-- Duplicates  an event sent again has the same key and gives the same row
-- State       events 10 minutes (STATE_TTL of e): a location that comes late or is corrected judges them again, older
--             alerts stay as they are; devices for ever (0 s of d). A sql.state-ttl for the whole statement would forget
--             the devices, too: leave it unset
INSERT INTO hc_fct_geofence_alerts
WITH places AS (
  SELECT
    event_id,
    device_id,
    patient_id,
    ts,
    lat,
    lng
  FROM hc_raw_device_events
  WHERE event_type = 'GPS'
    AND lat BETWEEN -90 AND 90
    AND lng BETWEEN -180 AND 180
),

places_and_fences AS (
  SELECT /*+ STATE_TTL('e' = '10 min', 'd' = '0 s') */
    e.*,
    d.latitude AS center_lat,
    d.longitude AS center_lng,
    5.0E2 AS radius_m
  FROM places AS e
  JOIN src_hc_devices AS d
    ON e.device_id = d.device_id
),

-- Half the angle between the two places, as the square of its sine.
angles AS (
  SELECT
    *,
    POWER(SIN(RADIANS(lat - center_lat) / 2), 2)
      + COS(RADIANS(center_lat)) * COS(RADIANS(lat)) * POWER(SIN(RADIANS(lng - center_lng) / 2), 2) AS haversine
  FROM places_and_fences
),

-- Rounding can leave the sine of opposite places above 1, where no angle has it.
distances AS (
  SELECT
    *,
    2 * 6.3710088E6 * ASIN(SQRT(LEAST(haversine, 1.0E0))) AS distance_m
  FROM angles
)

SELECT
  event_id,
  device_id,
  patient_id,
  ts,
  lat,
  lng,
  center_lat,
  center_lng,
  distance_m,
  radius_m
FROM distances
WHERE distance_m > radius_m;
