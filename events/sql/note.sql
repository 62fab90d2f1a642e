-- $1 the log, $2 a size, $3 the note of it: the newest. The one before is kept if it was the last of its minute
WITH ended AS (
    UPDATE notes SET kept = true
    WHERE log = $1 AND NOT kept AND date_trunc('minute', signed_at) < date_trunc('minute', clock_timestamp())
), followed AS (
    DELETE FROM notes
    WHERE log = $1 AND NOT kept AND date_trunc('minute', signed_at) >= date_trunc('minute', clock_timestamp())
)
INSERT INTO notes (log, size, note) VALUES ($1, $2, $3)
