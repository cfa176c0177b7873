-- Answers of POST requests that came with an Idempotency-Key, so that a repetition gets the same answer and has no
-- second effect. A row is written in the transaction of the effect, and removed by later writes after 24 hours.
CREATE TABLE app.idempotency_keys (
    key text NOT NULL,
    -- SHA-256 of the route and the body: a key is for one request only.
    fingerprint bytea NOT NULL,
    -- The answer, a 201; null only inside of the transaction that is making it.
    location text,
    etag text,
    body text,
    created_at timestamptz NOT NULL,
    CONSTRAINT idempotency_keys_pkey PRIMARY KEY (key),
    CONSTRAINT idempotency_keys_key_check CHECK (length(key) BETWEEN 1 AND 255)
);

CREATE INDEX idempotency_keys_created_at_idx ON app.idempotency_keys (created_at);
