-- $1 the log, $2 a size, $3 the note of it: the newest. The one before is kept if this one's minute is a later one.
-- Both minutes are those of the notes: were a clock read here, a minute could end in between and two of its notes be kept
WITH published AS (
    INSERT INTO notes (log, size, note) VALUES ($1, $2, $3) RETURNING date_trunc('minute', signed_at) AS minute
), ended AS (
    UPDATE notes SET kept = true FROM published
    WHERE log = $1 AND NOT kept AND date_trunc('minute', signed_at) < minute
)
DELETE FROM notes USING published
WHERE log = $1 AND NOT kept AND date_trunc('minute', signed_at) >= minute
