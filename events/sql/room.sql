-- A megabyte on the database's disk (short rows, so that nothing is packed) that goes with the transaction.
CREATE TEMP TABLE room ON COMMIT DROP AS SELECT repeat(md5(i::text), 58) AS filling FROM generate_series(1, 512) AS i
