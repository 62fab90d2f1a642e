-- What was signed of the log: its key as everybody may know it, and its notes. A note is for life once its minute ends.
CREATE TABLE log_keys (
    log      text COLLATE "C" PRIMARY KEY CHECK (log ~ '^[0-9a-f]{16}$'),
    vkey     text COLLATE "C" NOT NULL,
    refusal  text                          -- why its publisher does not sign, while it does not
);
CREATE TABLE notes (
    log        text COLLATE "C" NOT NULL REFERENCES log_keys,
    size       bigint NOT NULL CHECK (size >= 0),
    note       bytea NOT NULL,
    signed_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    kept       boolean NOT NULL DEFAULT false,
    PRIMARY KEY (log, size)
);

CREATE FUNCTION refuse_another_note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF EXISTS (SELECT FROM notes WHERE log = NEW.log AND size >= NEW.size) THEN
            RAISE EXCEPTION 'the notes of a log only grow' USING ERRCODE = 'insufficient_privilege';
        END IF;
        RETURN NEW;
    END IF;
    IF OLD.kept OR (TG_OP = 'UPDATE' AND (NEW.log, NEW.size, NEW.note, NEW.signed_at) <> (OLD.log, OLD.size, OLD.note, OLD.signed_at)) THEN
        RAISE EXCEPTION 'a note that was published stays as it is: % is refused', TG_OP USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER notes_stay BEFORE INSERT OR UPDATE OR DELETE ON notes FOR EACH ROW EXECUTE FUNCTION refuse_another_note();
CREATE TRIGGER notes_all_stay BEFORE TRUNCATE ON notes FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();
