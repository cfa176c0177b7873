-- Schema read: projections of Kafka topics; can be emptied and rebuilt from the topics at any time.
-- Schema app: what people and the service itself did; exists nowhere else and is never emptied.
CREATE SCHEMA read;
CREATE SCHEMA app;

CREATE TABLE read.drift_events (
    device_id text NOT NULL,
    metric_name text NOT NULL,
    -- Event time of the reading, epoch milliseconds.
    ts bigint NOT NULL,
    prescription_id text NOT NULL,
    patient_id text NOT NULL,
    prescribed_value double precision NOT NULL,
    actual_value double precision NOT NULL,
    tolerance double precision NOT NULL,
    deviation double precision NOT NULL,
    drift_direction text NOT NULL,
    message text NOT NULL,
    CONSTRAINT drift_events_pkey PRIMARY KEY (device_id, metric_name, ts, prescription_id),
    CONSTRAINT drift_events_direction_check CHECK (drift_direction IN ('above', 'below'))
);

-- GET /drift lists the newest first, of one device or of all.
CREATE INDEX drift_events_ts_idx ON read.drift_events (ts DESC);
CREATE INDEX drift_events_device_ts_idx ON read.drift_events (device_id, ts DESC);

-- How far each projection has read, written in the transaction of the effect.
CREATE TABLE read.consumer_offsets (
    consumer text NOT NULL,
    topic text NOT NULL,
    partition_id integer NOT NULL,
    -- Kafka's identity of the topic: another one means that the topic was recreated and its offsets start over.
    topic_id text NOT NULL,
    next_offset bigint NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT consumer_offsets_pkey PRIMARY KEY (consumer, topic, partition_id),
    CONSTRAINT consumer_offsets_next_offset_check CHECK (next_offset >= 0)
);

-- Where the simulated time stands; one row.
CREATE TABLE app.story_clock (
    id integer NOT NULL DEFAULT 1,
    -- Epoch milliseconds of the last round.
    story_time bigint NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT story_clock_pkey PRIMARY KEY (id),
    CONSTRAINT story_clock_one_row_check CHECK (id = 1)
);
