-- $1 levels, $2 numbers: the hashes of these full nodes of the tree, in this order
SELECT t.hash
FROM unnest($1::int[], $2::bigint[]) WITH ORDINALITY AS n(level, number, place) JOIN tree_nodes t USING (level, number)
ORDER BY n.place
