-- A log that goes on from a copy of another gets an identity of its own, by the fact that says so and by nothing else.

CREATE OR REPLACE FUNCTION refuse_receding() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.size < OLD.size OR NEW.recorded_at < OLD.recorded_at OR NEW.demo_now < OLD.demo_now
       OR NEW.origin <> OLD.origin OR (OLD.demo_now IS NOT NULL AND NEW.demo_now IS NULL)
       OR NEW.erasure_epoch < OLD.erasure_epoch OR NEW.hmac_key <> OLD.hmac_key THEN
        RAISE EXCEPTION 'the head of the log never goes back' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF NEW.log <> OLD.log AND NOT EXISTS (
        SELECT FROM events WHERE position = NEW.size AND type = 'log.continued.v1'
            AND convert_from(entry, 'UTF8')::jsonb #>> '{data,previousLog}' = OLD.log
    ) THEN
        RAISE EXCEPTION 'a log keeps its identity until a fact continues it' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION continue_log() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE log_head SET log = right(gen_random_uuid()::text, 12) || left(gen_random_uuid()::text, 4);
    RETURN NULL;
END $$;
CREATE TRIGGER events_continue_log AFTER INSERT ON events
    FOR EACH ROW WHEN (NEW.type = 'log.continued.v1') EXECUTE FUNCTION continue_log();
