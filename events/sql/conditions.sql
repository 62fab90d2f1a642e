-- $1 streams read, $2 streams that no live fact of another may name (each such fact is told, but voidings, which name
-- nothing that they stand on), $3 offices, $4 idempotency keys,
-- $5 streams, and $6 for each of them a size of the log: the last fact behind it that names its subject
SELECT 'version' AS kind, s AS name, (SELECT max(version) FROM events WHERE stream = s)::bigint AS number,
       NULL::bytea AS body_hmac, NULL::bigint[] AS positions
FROM unnest($1::text[]) AS s
UNION ALL
SELECT 'named', s, e.position, NULL, NULL
FROM unnest($2::text[]) AS s, LATERAL (
    SELECT e.position FROM events e WHERE e.refers @> ARRAY[s] AND e.stream <> s AND e.type NOT LIKE 'fact.voided.%'
                    AND NOT EXISTS (SELECT FROM events u WHERE u.undoes = e.position)
    LIMIT 2001  -- one more than a request can undo
) AS e
UNION ALL
SELECT 'request', r.office || ' ' || r.key, NULL, r.body_hmac, r.positions
FROM requests r JOIN unnest($3::text[], $4::text[]) AS k(office, key) USING (office, key)
UNION ALL
SELECT 'named since', n.stream, max(e.position), NULL, NULL
FROM unnest($5::text[], $6::bigint[]) AS n(stream, size) JOIN events e ON e.position > n.size AND e.refers @> ARRAY[n.stream]
GROUP BY n.stream
