"""Whoever follows the log by a filter hears of all that undoes what it was told."""

from collections.abc import Callable
from typing import Any

import pytest

from projections.runner import prepare
from projections.verifying import verify
from projections.views.subjects import TABLES
from tests.conftest import PLAN, TASK, Site
from tests.integration.test_rest_events import followed

PLAN_ID = PLAN.rpartition("/")[2]
FIRST, SECOND = "shi-ke-wei", "chang-ning-qu-ren-min-zheng-fu"
DISTRICT = "310105"
ORDER = "沪信用办〔2023〕16号"


def assign(unit: str, **others: Any) -> dict[str, Any]:
    return {"type": "task.assign_unit", "task": TASK, "unit": unit, "role": "support", "literal": unit} | others


async def undone(site: Site) -> tuple[int, int, int]:
    """An assignment that a document orders, given to another, which is voided: their positions."""
    first = await site.record(assign(SECOND, reason="增补", authority=ORDER))
    second = await site.record(assign(FIRST, replaces=first["position"], reason="写错了单位"))
    void = {"type": "fact.void", "target": second["position"], "reason": "不增补了"}
    third = await site.record(void)
    return first["position"], second["position"], third["position"]


@pytest.mark.parametrize(
    "query",
    [
        {"unit": SECOND},
        {"district": DISTRICT},
        {"type": "task.unit_assigned.v1"},
        {"type": "unit.renamed.v1,task.unit_assigned.v1"},
        {"authority": ORDER},
        {"task": TASK},
        {"plan": PLAN_ID},
        {"stream": f"task:{TASK}"},
        {"unit": SECOND, "type": "task.unit_assigned.v1", "plan": PLAN_ID},
    ],
    ids=str,
)
async def test_a_filtered_feed_brings_every_fact_that_undoes_one_that_it_brought(
    site: Site, query: dict[str, str]
) -> None:
    three = await undone(site)
    assert [one["position"] for one in await followed(site, **query)][-3:] == list(three)
    connection = "{ events(%s) { nodes { position } } }"
    told = {name: f'"{value}"' for name, value in query.items()}
    if "type" in query:
        told["type"] = "[" + ", ".join(f'"{one}"' for one in query["type"].split(",")) + "]"
    arguments = ", ".join(f"{name}: {value}" for name, value in told.items())
    nodes = (await site.ask(connection % f"{arguments}, last: 3"))["events"]["nodes"]
    assert [one["position"] for one in nodes] == list(three)


async def test_corrections_are_the_replacements_and_the_voidings_alone(site: Site) -> None:
    _, second, third = await undone(site)
    assert [one["position"] for one in await followed(site, corrections="true")] == [second, third]
    assert await followed(site, corrections="true", unit="shi-gao-yuan") == []
    nodes = (await site.ask("{ events(corrections: true) { nodes { position } } }"))["events"]["nodes"]
    assert [one["position"] for one in nodes] == [second, third]


async def test_an_authority_is_asked_for_exactly(site: Site) -> None:
    await undone(site)
    assert await followed(site, authority=ORDER[:-1]) == []
    assert len(await followed(site, authority=ORDER)) == 3


@pytest.mark.parametrize("name", ["unit", "plan", "task", "district", "stream"])
async def test_an_unknown_unit_plan_task_district_or_stream_is_404(shared: Site, name: str) -> None:
    problem = await shared.problem(404, "/v1/events", **{name: "unit:nobody" if name == "stream" else "nobody"})
    assert (problem["code"], problem["errors"][0]["pointer"]) == ("unknown_id", name)


async def test_an_unknown_type_among_several_is_400_at_both_doors(shared: Site) -> None:
    problem = await shared.problem(400, "/v1/events", type="task.added.v1,task.addet.v1")
    assert problem["errors"][0]["pointer"] == "type"
    answer = await shared.http.post("/graphql", json={"query": '{ events(type: "task.addet.v1") { nodes { v } } }'})
    assert answer.json()["errors"][0]["extensions"]["code"] == "bad_parameter"


async def test_what_old_facts_concern_is_found_by_a_rebuild(site: Site) -> None:

    await undone(site)
    async with site.running.pool.acquire() as connection:
        sql = "SELECT array_agg(c ORDER BY what, position) FROM projections.concerns c"
        before = await connection.fetchval(sql)
        spans = await connection.fetchval("SELECT array_agg(s ORDER BY first) FROM projections.request_spans s")
        await connection.execute("UPDATE log_head SET shape = ''")
        assert await prepare(connection, TABLES)
        assert await connection.fetchval(sql) == before
        again = await connection.fetchval("SELECT array_agg(s ORDER BY first) FROM projections.request_spans s")
        assert again == spans
        await verify(connection, TABLES)


TAMPERED: list[tuple[str, str]] = [
    ("DELETE FROM projections.concerns WHERE what = 'correction'", "what correction, position"),
    ("INSERT INTO projections.concerns VALUES ('unit:shi-ke-wei', 1)", "what unit:shi-ke-wei, position 1"),
    ("UPDATE projections.request_spans SET facts = facts + 1 WHERE first = 1", "first 1, facts"),
]


@pytest.mark.parametrize(("sql", "words"), TAMPERED)
async def test_verify_names_what_a_fact_concerns_otherwise_than_the_log_says(site: Site, sql: str, words: str) -> None:

    await undone(site)
    found: list[str] = []
    say: Callable[[str], None] = found.append
    async with site.running.pool.acquire() as connection:
        await connection.execute(sql)
        await verify(connection, TABLES, say)
    assert found
    assert all(words in one for one in found), found


async def test_a_unit_that_comes_into_a_district_later_changes_nothing_that_the_filter_brought(site: Site) -> None:
    """What a filter brings of a log is fixed when it is recorded: whoever polled and whoever reads it all agree."""
    founding = await site.record(
        {"type": "unit.register", "unit": "xin-ju", "name": "新局", "reason": "新设"}, assign("xin-ju", reason="增补")
    )
    first = [one["position"] for one in await followed(site, district=DISTRICT)]
    moved = {"type": "unit.register", "unit": "xin-ju", "name": "新局", "district": DISTRICT, "reason": "更正"}
    corrected = await site.record(moved | {"replaces": founding["facts"][0]["position"]})
    released = {"type": "task.release_unit", "task": TASK, "unit": "xin-ju", "reason": "不增补了"}
    later = await site.record(released)
    brought = [one["position"] for one in await followed(site, district=DISTRICT)]
    assert brought == [*first, corrected["position"], later["position"]]
    filtered = {"task": TASK, "district": DISTRICT, "type": "task.unit_assigned.v1,task.unit_released.v1"}
    assert [one["position"] for one in await followed(site, **filtered)][-1] == later["position"]
    assert founding["position"] not in {one["position"] for one in await followed(site, **filtered)}
