-- Group: Time
-- Construct: `WATERMARK FOR c AS ...`, `SOURCE_WATERMARK()`, none
-- Here: the expression; `SOURCE_WATERMARK()` and none are `$rowtime - INTERVAL '0.2' SECOND`, with an idle timeout so that an empty partition holds nothing back
CREATE TABLE by_default (v STRING);
CREATE TABLE by_source (v STRING, WATERMARK FOR `$rowtime` AS SOURCE_WATERMARK());
CREATE TABLE by_field (ts BIGINT, event_time AS TO_TIMESTAMP_LTZ(ts, 3), WATERMARK FOR event_time AS event_time - INTERVAL '5' SECOND);
CREATE TABLE own_source_watermark (at TIMESTAMP(3), WATERMARK FOR at AS SOURCE_WATERMARK());
CREATE TABLE t (a INT, WATERMARK FOR b AS b);
