-- $1 levels, $2 numbers, both as texts, whose arrays asyncpg knows: of others it asks the server first, 5 ms for each
-- connection. The hashes of these full nodes of the tree, in this order
SELECT t.hash
FROM unnest($1::text[]::int[], $2::text[]::bigint[]) WITH ORDINALITY AS n(level, number, place) JOIN tree_nodes t USING (level, number)
ORDER BY n.place
