-- $1 a plan, $2 a position, $3 a day, $4 the data's licence: the list of the plan's tasks as /v1/plans/{plan}/tasks
-- gives it, put together by PostgreSQL. OFFSET 0: each document is
-- parsed once and not again for each of its fields.
WITH RECURSIVE
unit AS MATERIALIZED (
    SELECT key AS id, doc->>'name' AS name, doc->>'kind' = 'group' AS is_group, doc->'successors'->>0 AS successor,
           NOT coalesce((doc->>'closed')::boolean, true) AS is_open, doc->'members' AS members
    FROM (SELECT key, convert_from(doc, 'UTF8')::jsonb AS doc FROM projections.units
          WHERE known_from <= $2::bigint AND known_to > $2::bigint AND eff_from <= $3::date AND eff_to > $3::date
          OFFSET 0) AS slice
),
walk (unit, links, successor) AS (
    SELECT id, ARRAY[id], successor FROM unit
    UNION ALL
    SELECT walk.unit, walk.links || unit.id, unit.successor FROM walk JOIN unit ON unit.id = walk.successor
    WHERE unit.id <> ALL (walk.links)
),
chain AS (
    SELECT DISTINCT ON (unit) unit, links FROM walk ORDER BY unit, cardinality(links) DESC
),
behind AS MATERIALIZED (
    SELECT unit.id AS assignee, member.place, chain.links
    FROM unit
    CROSS JOIN LATERAL (
        SELECT unit.id AS id, 1::bigint AS place WHERE NOT unit.is_group
        UNION ALL
        SELECT id, place FROM jsonb_array_elements_text(unit.members) WITH ORDINALITY AS m(id, place) WHERE unit.is_group
    ) AS member
    JOIN chain ON chain.unit = member.id
),
acting AS MATERIALIZED (
    SELECT assignee, json_agg(json_build_object('id', id, 'name', unit.name) ORDER BY place) AS units
    FROM (SELECT assignee, links[cardinality(links)] AS id, min(place) AS place
          FROM behind WHERE cardinality(links) > 1 GROUP BY 1, 2) AS last
    JOIN unit USING (id)
    GROUP BY assignee
),
task AS MATERIALIZED (
    SELECT key AS id, number, part, measure, doc, (doc->>'due')::date AS due, doc->>'text' AS text,
           (doc->>'open_ended')::boolean AS open_ended
    FROM (SELECT key, number, part, measure, convert_from(doc, 'UTF8')::jsonb AS doc FROM projections.tasks
          WHERE plan = $1::text AND known_from <= $2::bigint AND known_to > $2::bigint AND eff_from <= $3::date AND eff_to > $3::date
          OFFSET 0) AS slice
),
assigned AS MATERIALIZED (
    SELECT task.id AS task, a.place, a.unit, a.role, a.literal, unit.name, unit.is_group, unit.is_open,
           bool_or(a.role = 'lead') OVER (PARTITION BY task.id) AS has_lead
    FROM task
    CROSS JOIN LATERAL ROWS FROM (jsonb_to_recordset(task.doc->'assignments') AS (unit text, role text, literal text))
               WITH ORDINALITY AS a(unit, role, literal, place)
    JOIN unit ON unit.id = a.unit
),
assignments AS MATERIALIZED (
    SELECT task, json_agg(json_build_object(
               'assignee', json_build_object('kind', CASE WHEN is_group THEN 'group' ELSE 'unit' END, 'id', unit,
                                             'name', name),
               'role', role, 'literal', literal, 'actingUnits', coalesce(acting.units, '[]')) ORDER BY place) AS items
    FROM assigned LEFT JOIN acting ON acting.assignee = assigned.unit
    GROUP BY task
),
speaking AS (
    SELECT task, place, unit, is_open FROM assigned WHERE role = 'lead' OR NOT has_lead
),
speaker AS MATERIALIZED (
    SELECT DISTINCT ON (task, links[1]) task, links, speaking.place, behind.place AS member
    FROM speaking JOIN behind ON behind.assignee = speaking.unit
    ORDER BY task, links[1], speaking.place, behind.place
),
report AS MATERIALIZED (
    SELECT task, unit, period, event, status, membership, evidence, begins,
           array_position('{not_started,blocked,delayed,in_progress,completed}', status) AS rank,
           begins + CASE WHEN length(period) = 4 THEN interval '1 year' WHEN period LIKE '%Q%'
                         THEN interval '3 months' ELSE interval '1 month' END AS ends
    FROM (SELECT task, doc->>1 AS unit, doc->>2 AS period, doc->>3 AS status, doc->>4 AS membership, doc->>5 AS evidence,
                 (doc->>6)::bigint AS event,
                 make_date(left(doc->>2, 4)::int,
                           CASE WHEN length(doc->>2) = 4 THEN 1 WHEN doc->>2 LIKE '%Q%'
                                THEN right(doc->>2, 1)::int * 3 - 2 ELSE right(doc->>2, 2)::int END, 1) AS begins
          FROM (SELECT task, convert_from(doc, 'UTF8')::jsonb AS doc FROM projections.said
                WHERE plan = $1::text AND known_from <= $2::bigint AND known_to > $2::bigint
                  AND eff_from <= $3::date AND eff_to > $3::date
                OFFSET 0) AS slice
          OFFSET 0) AS one
),
expected AS MATERIALIZED (
    SELECT id AS task, coalesce(one.is_open, false) OR (open_ended AND one.has_lead IS NOT TRUE) AS is_open,
           coalesce(many.speakers, 0) AS speakers
    FROM task
    LEFT JOIN (SELECT task, bool_or(is_open) AS is_open, bool_or(role = 'lead') AS has_lead
               FROM assigned WHERE role = 'lead' OR NOT has_lead GROUP BY task) AS one ON one.task = id
    LEFT JOIN (SELECT task, count(*) AS speakers FROM speaker GROUP BY task) AS many ON many.task = id
),
link AS MATERIALIZED (
    SELECT task, links[1] AS first, place, member, unnest(links) AS unit FROM speaker
),
spoken AS (
    (SELECT DISTINCT ON (task, first) task, unit, period, event, status, membership, rank, evidence,
            true AS listed, place, member
     FROM link JOIN report USING (task, unit)
     ORDER BY task, first, ends DESC, begins DESC, event DESC)
    UNION ALL
    (SELECT DISTINCT ON (task, unit) task, unit, period, event, status, membership, rank, evidence,
            false, NULL, dense_rank() OVER (PARTITION BY task ORDER BY first_said)
     FROM (SELECT report.*, min(event) OVER (PARTITION BY task, unit) AS first_said
           FROM report JOIN expected USING (task)
           WHERE is_open AND membership = 'unlisted'
             AND NOT EXISTS (SELECT FROM link WHERE link.task = report.task AND link.unit = report.unit)) AS other
     ORDER BY task, unit, ends DESC, begins DESC, event DESC)
),
standing AS MATERIALIZED (
    SELECT task, count(*) AS count, count(*) FILTER (WHERE listed) AS listed, min(rank) AS rank,
           bool_or(evidence <> 'none') AS has_evidence, bool_or(evidence = 'linked') AS is_linked,
           json_agg(json_build_object(
               'unit', json_build_object('id', unit, 'name', unit_name), 'period', period, 'status', status,
               'membership', membership, 'evidenceStatus', evidence, 'event', event, 'self', '/v1/events/' || event)
               ORDER BY place, member) FILTER (WHERE is_first) AS reports
    FROM (SELECT spoken.*, unit.name AS unit_name,
                 row_number() OVER (PARTITION BY task, event ORDER BY place, member) = 1 AS is_first
          FROM spoken JOIN unit ON unit.id = spoken.unit) AS said
    GROUP BY task
),
platform AS MATERIALIZED (
    SELECT key AS id, doc->>'name' AS name, ARRAY(SELECT jsonb_array_elements_text(doc->'aliases')) AS aliases
    FROM (SELECT key, convert_from(doc, 'UTF8')::jsonb AS doc FROM projections.platforms
          WHERE known_from <= $2::bigint AND known_to > $2::bigint AND eff_from <= $3::date AND eff_to > $3::date
          OFFSET 0) AS slice
),
mentions AS MATERIALIZED (
    SELECT task.id AS task, json_agg(json_build_object('id', platform.id, 'name', name) ORDER BY platform.id) AS items
    FROM task JOIN platform ON strpos(text, name) > 0
         OR EXISTS (SELECT FROM unnest(aliases) AS alias WHERE strpos(text, alias) > 0)
    GROUP BY task.id
),
plan AS MATERIALIZED (
    SELECT 'sha256:' || (convert_from(doc, 'UTF8')::jsonb->>'document') AS document FROM projections.plans
    WHERE key = $1::text AND known_from <= $2::bigint AND known_to > $2::bigint AND eff_from <= $3::date AND eff_to > $3::date
),
item AS (
    SELECT task.number, split_part(task.id, '/', 2)::bigint AS ordinal, json_build_object(
        'id', task.id, 'plan', $1::text, 'number', number, 'part', part, 'measure', measure, 'text', text,
        'assignments', coalesce(assignments.items, '[]'), 'openEnded', open_ended,
        'reportedStatus', CASE WHEN rank IS NULL THEN 'not_reported'
                               WHEN rank = 5 AND listed < speakers THEN 'in_progress'
                               ELSE ('{not_started,blocked,delayed,in_progress,completed}'::text[])[rank] END,
        'answered', json_build_object('count', coalesce(count, 0), 'of', CASE WHEN NOT is_open THEN speakers END),
        'evidenceStatus', CASE WHEN has_evidence IS NOT TRUE THEN 'none'
                               WHEN is_linked THEN 'linked' ELSE 'digested' END,
        'scheduleStatus', CASE WHEN due IS NULL OR (doc->>'withdrawn')::boolean THEN 'unspecified'
                               WHEN rank = 5 AND listed >= speakers THEN 'completed'
                               WHEN $3::date <= due - 30 THEN 'not_due'
                               WHEN $3::date <= due THEN 'due_soon' ELSE 'overdue' END,
        'due', due, 'withdrawn', doc->'withdrawn', 'targets', doc->'targets',
        'platforms', coalesce(mentions.items, '[]'), 'latestReports', coalesce(reports, '[]'),
        'source', CASE WHEN document IS NOT NULL THEN json_build_object('document', document, 'line', doc->'line') END,
        'version', doc->'version') AS json
    FROM task
    JOIN expected ON expected.task = task.id
    LEFT JOIN plan ON true
    LEFT JOIN assignments ON assignments.task = task.id
    LEFT JOIN standing ON standing.task = task.id
    LEFT JOIN mentions ON mentions.task = task.id
)
SELECT json_build_object(
    'items', (SELECT json_agg(json ORDER BY number, ordinal) FROM item), 'next', NULL,
    'meta', json_build_object(
        'position', $2::bigint, 'asOf', to_char(recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        'effectiveOn', $3::date, 'self', '/v1/plans/' || $1::text || '/tasks?position=' || $2::bigint || '&effectiveOn=' || $3::date,
        'origin', (SELECT origin FROM log_head), 'log', (SELECT log FROM log_head), 'license', $4::text))::text
FROM events WHERE position = $2::bigint
