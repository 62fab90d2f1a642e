-- Which log this is, the key of its own for the HMACs of requests, and the full nodes of its Merkle tree (RFC 6962).

-- Both are made with the row, from the database's strong randomness: all of a UUIDv4's last 12 and first 4 digits is.
ALTER TABLE log_head
    ADD COLUMN log text COLLATE "C" NOT NULL CHECK (log ~ '^[0-9a-f]{16}$')
        DEFAULT right(gen_random_uuid()::text, 12) || left(gen_random_uuid()::text, 4),
    ADD COLUMN hmac_key bytea NOT NULL CHECK (length(hmac_key) = 32)
        DEFAULT sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));

-- The node `number` of a level is the root of the leaves from number * 2^level on, 2^level of them; level 0 is the leaves.
CREATE TABLE tree_nodes (
    level   smallint NOT NULL CHECK (level BETWEEN 0 AND 62),
    number  bigint NOT NULL CHECK (number >= 0),
    hash    bytea NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (level, number)
);
CREATE TRIGGER tree_nodes_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON tree_nodes
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();

-- The head's instant is its last fact's; until now a request that recorded nothing moved it too.
DROP TRIGGER log_head_grows ON log_head;
UPDATE log_head SET recorded_at = (SELECT recorded_at FROM events WHERE position = size);

-- As before; and which log it is, and its key, are for life as the origin is.
CREATE OR REPLACE FUNCTION refuse_receding() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.size < OLD.size OR NEW.recorded_at < OLD.recorded_at OR NEW.demo_now < OLD.demo_now
       OR NEW.origin <> OLD.origin OR (OLD.demo_now IS NOT NULL AND NEW.demo_now IS NULL)
       OR NEW.erasure_epoch < OLD.erasure_epoch OR NEW.log <> OLD.log OR NEW.hmac_key <> OLD.hmac_key THEN
        RAISE EXCEPTION 'the head of the log never goes back' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER log_head_grows BEFORE UPDATE ON log_head FOR EACH ROW EXECUTE FUNCTION refuse_receding();

-- A release that does not know the tree cannot append beside one that does: it would leave a hole that nobody can fill.
CREATE FUNCTION refuse_without_tree() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM tree_nodes WHERE level = 0 AND number = NEW.size - 1) THEN
        RAISE EXCEPTION 'position % has no node in the tree: this release does not keep one', NEW.size
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER log_head_has_tree AFTER UPDATE ON log_head FOR EACH ROW WHEN (NEW.size > OLD.size)
    EXECUTE FUNCTION refuse_without_tree();
