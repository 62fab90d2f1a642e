-- $1 how many positions are known already: the head, the present, and the instants of the next $2 in microseconds
SELECT h.size, h.frontier, h.log, h.origin, h.erasure_epoch, h.demo_now, h.notice, clock_timestamp() AS clock,
       (SELECT string_agg(int8send((extract(epoch FROM e.recorded_at) * 1000000)::bigint), ''::bytea ORDER BY e.position)
        FROM events e WHERE e.position > $1 AND e.position <= least(h.size, $1 + $2::bigint)) AS instants
FROM log_head h
