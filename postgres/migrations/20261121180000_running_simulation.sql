-- The simulation that somebody started and nobody stopped; at most one row. A service that was killed goes on with it.
CREATE TABLE app.running_simulation (
    id integer NOT NULL DEFAULT 1,
    -- The patient whose devices report; null for everybody's.
    patient_id text,
    started_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT running_simulation_pkey PRIMARY KEY (id),
    CONSTRAINT running_simulation_one_row_check CHECK (id = 1)
);
