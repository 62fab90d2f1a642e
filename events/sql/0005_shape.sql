-- The shape of the tables that are derived from the log, as whoever made them last left it: '' until then.
ALTER TABLE log_head ADD COLUMN shape text COLLATE "C" NOT NULL DEFAULT '';

-- An appender that was started before the tables had this shape would write rows of another one. Whoever locks the head
-- reads the shape and says so (head_for_update.sql); a release that does not know of it says nothing, and is refused.
CREATE FUNCTION refuse_another_shape() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('planrecord.shape', true) IS DISTINCT FROM NEW.shape THEN
        RAISE EXCEPTION 'the tables have the shape of another release, which alone appends to this log'
            USING ERRCODE = 'insufficient_privilege', HINT = 'Stop this process, and start that release.';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER log_head_has_shape AFTER UPDATE ON log_head FOR EACH ROW WHEN (NEW.size > OLD.size)
    EXECUTE FUNCTION refuse_another_shape();
