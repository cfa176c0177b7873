-- The tables that Debezium captures, one row per patient, device and prescription.
-- Rules for a captured table: a primary key, REPLICA IDENTITY FULL (so that before-images are complete),
-- no TRUNCATE (Flink's Debezium format has no such operation), and no column default equal to '{}'
-- (it becomes an Avro default that the schema registry's Confluent interface cannot give back).

CREATE TABLE public.patients (
    patient_id text NOT NULL,
    name text NOT NULL,
    gender text NOT NULL,
    birth_date date NOT NULL,
    zip_code text NOT NULL,
    timezone text NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT patients_pkey PRIMARY KEY (patient_id),
    CONSTRAINT patients_patient_id_check CHECK (patient_id ~ '^[A-Za-z0-9._-]{1,64}$'),
    CONSTRAINT patients_gender_check CHECK (gender IN ('F', 'M', 'O', 'U'))
);

CREATE TABLE public.devices (
    device_id text NOT NULL,
    patient_id text,
    manufacturer text NOT NULL,
    model_type text NOT NULL,
    serial_number text NOT NULL,
    software_version text NOT NULL,
    target_software_version text,
    hw_model text NOT NULL,
    pressure_setting double precision NOT NULL,
    flow_rate_setting double precision NOT NULL,
    flow_level_setting double precision NOT NULL,
    latitude double precision,
    longitude double precision,
    battery_level integer,
    plugged boolean NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT devices_pkey PRIMARY KEY (device_id),
    CONSTRAINT devices_device_id_check CHECK (device_id ~ '^[A-Za-z0-9._-]{1,64}$'),
    CONSTRAINT devices_serial_number_key UNIQUE (manufacturer, serial_number),
    CONSTRAINT devices_patient_id_fkey FOREIGN KEY (patient_id) REFERENCES public.patients (patient_id),
    CONSTRAINT devices_settings_check CHECK (pressure_setting >= 0 AND flow_rate_setting >= 0 AND flow_level_setting >= 0),
    CONSTRAINT devices_battery_level_check CHECK (battery_level BETWEEN 0 AND 100)
);

CREATE INDEX devices_patient_id_idx ON public.devices (patient_id);

CREATE TABLE public.prescriptions (
    prescription_id text NOT NULL,
    patient_id text NOT NULL,
    device_id text NOT NULL,
    medication_or_therapy text NOT NULL,
    -- Epoch milliseconds of event time; the prescription is valid in [start_date, end_date).
    start_date bigint NOT NULL,
    end_date bigint,
    -- [{"parameter_name", "parameter_value", "parameter_type", "parameter_tolerance"}], one object per metric.
    parameters jsonb NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT prescriptions_pkey PRIMARY KEY (prescription_id),
    CONSTRAINT prescriptions_prescription_id_check CHECK (prescription_id ~ '^[A-Za-z0-9._-]{1,80}$'),
    CONSTRAINT prescriptions_patient_id_fkey FOREIGN KEY (patient_id) REFERENCES public.patients (patient_id),
    CONSTRAINT prescriptions_device_id_fkey FOREIGN KEY (device_id) REFERENCES public.devices (device_id),
    CONSTRAINT prescriptions_period_check CHECK (start_date >= 0 AND end_date > start_date),
    CONSTRAINT prescriptions_parameters_check CHECK (jsonb_typeof(parameters) = 'array')
);

CREATE INDEX prescriptions_patient_id_idx ON public.prescriptions (patient_id);
CREATE INDEX prescriptions_device_id_idx ON public.prescriptions (device_id);

-- Every change gets a new version, whoever makes it. updated_at is the writer's clock when the writer sets it.
CREATE FUNCTION public.bump_version() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    NEW.version := OLD.version + 1;
    IF NEW.updated_at IS NOT DISTINCT FROM OLD.updated_at THEN
        NEW.updated_at := now();
    END IF;
    NEW.created_at := OLD.created_at;
    RETURN NEW;
END
$$;

CREATE FUNCTION public.refuse_truncate() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'table %.% is captured by Debezium and must not be truncated', TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING HINT = 'Use DELETE: readers of the change stream then see each row go.';
END
$$;

CREATE TRIGGER patients_bump_version BEFORE UPDATE ON public.patients
    FOR EACH ROW EXECUTE FUNCTION public.bump_version();
CREATE TRIGGER devices_bump_version BEFORE UPDATE ON public.devices
    FOR EACH ROW EXECUTE FUNCTION public.bump_version();
CREATE TRIGGER prescriptions_bump_version BEFORE UPDATE ON public.prescriptions
    FOR EACH ROW EXECUTE FUNCTION public.bump_version();

CREATE TRIGGER patients_refuse_truncate BEFORE TRUNCATE ON public.patients
    FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_truncate();
CREATE TRIGGER devices_refuse_truncate BEFORE TRUNCATE ON public.devices
    FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_truncate();
CREATE TRIGGER prescriptions_refuse_truncate BEFORE TRUNCATE ON public.prescriptions
    FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_truncate();

ALTER TABLE public.patients REPLICA IDENTITY FULL;
ALTER TABLE public.devices REPLICA IDENTITY FULL;
ALTER TABLE public.prescriptions REPLICA IDENTITY FULL;

-- The connector updates this row every few seconds, so that its replication slot advances while nothing else changes.
CREATE TABLE public.debezium_heartbeat (
    id integer NOT NULL,
    beat timestamptz NOT NULL,
    CONSTRAINT debezium_heartbeat_pkey PRIMARY KEY (id)
);

CREATE PUBLICATION debezium_healthcare
    FOR TABLE public.patients, public.devices, public.prescriptions, public.debezium_heartbeat;
