ALTER TABLE hc_raw_device_metrics ADD event_time AS TO_TIMESTAMP_LTZ(ts, 3);
ALTER TABLE hc_raw_device_metrics MODIFY WATERMARK FOR event_time AS event_time - INTERVAL '5' SECOND;
ALTER TABLE hc_raw_device_events ADD event_time AS TO_TIMESTAMP_LTZ(ts, 3);
ALTER TABLE hc_raw_device_events MODIFY WATERMARK FOR event_time AS event_time - INTERVAL '5' SECOND;
