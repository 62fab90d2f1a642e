WITH appended AS (
    INSERT INTO events (position, stream, version, type, recorded_at, undoes, refers, entry)
    SELECT position, stream, version, type, $1::timestamptz, undoes,
           coalesce((SELECT array_agg(value) FROM jsonb_array_elements_text(refers::jsonb)), '{}'), entry
    FROM unnest($2::bigint[], $3::text[], $4::int[], $5::text[], $6::bigint[], $7::text[], $8::bytea[])
         AS e(position, stream, version, type, undoes, refers, entry)
), disclosed AS (
    INSERT INTO disclosures (digest, position, salt, value)
    SELECT * FROM unnest($9::text[], $10::bigint[], $11::text[], $12::text[])
), asked AS (
    INSERT INTO requests (office, key, body_hmac, positions)
    SELECT office, key, body_hmac, coalesce((SELECT array_agg(p::bigint) FROM regexp_split_to_table(nullif(positions, ''), ',') p), '{}')
    FROM unnest($13::text[], $14::text[], $15::bytea[], $16::text[]) AS r(office, key, body_hmac, positions)
), tree AS (
    INSERT INTO tree_nodes (level, number, hash) SELECT * FROM unnest($19::int[], $20::bigint[], $21::bytea[])
), head AS (
    UPDATE log_head SET size = $17, frontier = $18, recorded_at = $1 WHERE size < $17
)
