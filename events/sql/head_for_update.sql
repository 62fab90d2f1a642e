-- The head, locked, and the moment this transaction records: the clock's, or the demo's, but never earlier than the last.
SELECT size,
       frontier,
       greatest(coalesce(demo_now, clock_timestamp()), recorded_at) AS recorded_at,
       greatest(extract(epoch FROM recorded_at - coalesce(demo_now, clock_timestamp())), 0)::float8 AS seconds_behind
FROM log_head FOR UPDATE
