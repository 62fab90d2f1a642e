-- The head, locked, and the moment this transaction records: the clock's, or the demo's, but never earlier than the last.
-- That the shape of the tables was read is told to the trigger that refuses whoever does not read it.
SELECT size,
       frontier,
       greatest(coalesce(demo_now, clock_timestamp()), recorded_at) AS recorded_at,
       greatest(extract(epoch FROM recorded_at - coalesce(demo_now, clock_timestamp())), 0)::float8 AS seconds_behind,
       set_config('planrecord.shape', shape, true) AS shape
FROM log_head FOR UPDATE
