-- $1 a position or null, $2 an instant or null: the head, the present, and where those two lie in the log
SELECT h.size, h.recorded_at, h.origin, coalesce(h.demo_now, clock_timestamp()) AS now,
       (SELECT recorded_at FROM events WHERE position = 1) AS first_at,
       (SELECT recorded_at FROM events WHERE position = $1::bigint) AS at,
       f.position AS found, f.recorded_at AS found_at
FROM log_head h
LEFT JOIN LATERAL (SELECT position, recorded_at FROM events WHERE recorded_at <= $2::timestamptz
                   ORDER BY recorded_at DESC, position DESC LIMIT 1) f ON true
