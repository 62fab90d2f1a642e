-- The log's own tables: the only ones that are not disposable.

CREATE TABLE log_head (
    singleton      boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    origin         text NOT NULL,
    size           bigint NOT NULL DEFAULT 0 CHECK (size >= 0),
    recorded_at    timestamptz,
    frontier       bytea[] NOT NULL DEFAULT '{}',
    demo_now       timestamptz CHECK (demo_now IS NULL OR origin LIKE '%/demo'),
    erasure_epoch  bigint NOT NULL DEFAULT 0
);

CREATE TABLE events (
    position     bigint PRIMARY KEY,
    stream       text COLLATE "C" NOT NULL,
    version      int NOT NULL,
    type         text COLLATE "C" NOT NULL,
    recorded_at  timestamptz NOT NULL,
    undoes       bigint UNIQUE,             -- a fact is voided or replaced once
    refers       text[] COLLATE "C" NOT NULL,
    entry        bytea NOT NULL CHECK (length(entry) <= 65535),
    UNIQUE (stream, version)
);
CREATE INDEX events_recorded_at ON events (recorded_at, position);
CREATE INDEX events_refers ON events USING gin (refers);

CREATE TABLE disclosures (
    digest    text COLLATE "C" PRIMARY KEY,
    position  bigint NOT NULL REFERENCES events,
    salt      text NOT NULL,
    value     text NOT NULL
);
CREATE INDEX disclosures_position ON disclosures (position);

-- What a repeated Idempotency-Key is answered with; never text.
CREATE TABLE requests (
    office     text COLLATE "C" NOT NULL,
    key        text COLLATE "C" NOT NULL,
    body_hmac  bytea NOT NULL,
    positions  bigint[] NOT NULL,
    PRIMARY KEY (office, key)
);

CREATE FUNCTION refuse_rewriting() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the log is append-only: % of % is refused', TG_OP, TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();
CREATE TRIGGER log_head_stays BEFORE DELETE OR TRUNCATE ON log_head
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();

-- The head only grows, its clock never goes back, its origin is for life.
CREATE FUNCTION refuse_receding() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.size < OLD.size OR NEW.recorded_at < OLD.recorded_at OR NEW.demo_now < OLD.demo_now
       OR NEW.origin <> OLD.origin OR (OLD.demo_now IS NOT NULL AND NEW.demo_now IS NULL)
       OR NEW.erasure_epoch < OLD.erasure_epoch THEN
        RAISE EXCEPTION 'the head of the log never goes back' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER log_head_grows BEFORE UPDATE ON log_head FOR EACH ROW EXECUTE FUNCTION refuse_receding();
