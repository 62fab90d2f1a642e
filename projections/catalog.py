"""What the database itself says of the tables: columns, keys, constraints, indexes, triggers and their functions.

`catalog.json` holds what a record of this release has; `python -m api.cli.describe` writes it from one.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

import msgspec

from events.counted import Tell
from events.database import Connection
from projections.table import SCHEMA

Catalog = Mapping[str, str]  # by the thing's name, as "index events_refers of events", its definition
CATALOG: Final = Path(__file__).with_name("catalog.json")
LOG: Final = ["log_head", "events", "disclosures", "requests", "tree_nodes"]
# An operator may add an index; whatever else is added changes what the tables take or do.
HARMLESS: Final = "index "
_SQL: Final = """
WITH tables AS MATERIALIZED (
    SELECT c.oid, CASE n.nspname WHEN $2 THEN $2 || '.' ELSE '' END || c.relname AS name
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND (n.nspname = $2 OR c.oid = ANY ($1::text[]::regclass[]))
)
SELECT format('column %s of %s', a.attname, t.name) AS thing,
       format_type(a.atttypid, a.atttypmod) || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END AS definition
FROM tables t JOIN pg_attribute a ON a.attrelid = t.oid WHERE a.attnum > 0 AND NOT a.attisdropped
UNION ALL
SELECT format('constraint %s of %s', conname, t.name), pg_get_constraintdef(c.oid)
FROM tables t JOIN pg_constraint c ON c.conrelid = t.oid WHERE contype <> 'n'
UNION ALL
SELECT format('index %s of %s', i.relname, t.name), pg_get_indexdef(i.oid)
FROM tables t JOIN pg_index x ON x.indrelid = t.oid JOIN pg_class i ON i.oid = x.indexrelid WHERE x.indisvalid
UNION ALL
SELECT format('trigger %s of %s', tgname, t.name),
       pg_get_triggerdef(g.oid) || CASE tgenabled WHEN 'O' THEN '' ELSE ', which does not fire' END
FROM tables t JOIN pg_trigger g ON g.tgrelid = t.oid WHERE NOT tgisinternal
UNION ALL
SELECT format('rule %s of %s', rulename, t.name), pg_get_ruledef(r.oid)
FROM tables t JOIN pg_rewrite r ON r.ev_class = t.oid
UNION ALL
SELECT format('function %s', proname), encode(sha256(convert_to(prosrc, 'UTF8')), 'hex')
FROM pg_proc WHERE oid IN (SELECT tgfoid FROM pg_trigger JOIN tables t ON t.oid = tgrelid WHERE NOT tgisinternal)
"""


async def catalog_of(connection: Connection) -> dict[str, str]:
    """What stands in the database."""
    there = await connection.fetch("SELECT one FROM unnest($1::text[]) AS one WHERE to_regclass(one) IS NOT NULL", LOG)
    rows = await connection.fetch(_SQL, [row["one"] for row in there], SCHEMA)
    return {row["thing"]: row["definition"].replace(" public.", " ") for row in rows}


@cache
def expected() -> Catalog:
    """What stands in a record that this release has made."""
    return msgspec.json.decode(CATALOG.read_bytes(), type=dict[str, str])


async def compare_catalog(connection: Connection, found: Tell) -> frozenset[str]:
    """Tell what is missing, added or changed; the tables that cannot be read, as a column of theirs is."""
    there, wrong = await catalog_of(connection), set[str]()
    for thing, definition in sorted(expected().items()):
        if thing not in there:
            found(f"{thing} is missing: it should be {definition}")
        elif there[thing] != definition:
            found(f"{thing} is {there[thing]}, and should be {definition}")
        else:
            continue
        if thing.startswith("column "):
            wrong.add(thing.rpartition(" of ")[2])
    for thing in sorted(there.keys() - expected().keys()):
        if not thing.startswith(HARMLESS):
            found(f"{thing} is {there[thing]}: no record of this release has it")
    return frozenset(wrong)
