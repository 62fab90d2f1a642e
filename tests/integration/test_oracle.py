"""The oracle, which knows openapi/FOLD.md and nothing of ours, agrees with the tables and with what is served.

`make agreement` asks in full: 200 records and 2,500 questions; `make test` some of them.
"""

import asyncio
import json
import os
import sys
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from datetime import date, datetime
from pathlib import Path
from random import Random
from typing import Any, Final

import msgspec
import pytest

from api.auditing.answers import AuditedLog, read
from api.auditing.comparing import differing_fields
from api.auditing.leaves import belongs, leaf_of, tree_hash
from api.main import Service, service
from domain.bundled import bundled_plan
from domain.commands import FACTS
from domain.values import SHANGHAI, shanghai_day
from events.demo import set_clock
from projections.fold import RULES_VERSION
from projections.runner import shape_of
from projections.verifying import verify
from projections.views.subjects import TABLES
from tests.agreeing import differences, expected_at, log_of, size_of, tables_at
from tests.conftest import PLAN, Site, database_of, serving, settings_for
from tests.integration.commands import PROJECT
from tests.mutants import MUTANTS
from tests.records import PROBES, append, facts_of, random_record

RECORDS: Final = int(os.environ.get("AGREEMENT_RECORDS", "8"))
QUESTIONS: Final = int(os.environ.get("AGREEMENT_QUESTIONS", "100"))
FROM_ONE_RECORD: Final = 50  # questions
LENGTH: Final = 60  # facts at random behind those that a record begins with
END: Final = datetime(2024, 3, 1, 12, tzinfo=SHANGHAI)
VECTORS: Final = sorted((PROJECT / "openapi" / "vectors").glob("*.json"))


@asynccontextmanager
async def recorded(server: str, folder: Path, seed: int) -> AsyncGenerator[Service]:
    """A random record, in a log of its own."""
    async with database_of(server, "fresh") as dsn, service(settings_for(dsn, folder)) as running:
        async with running.pool.acquire() as connection:
            await set_clock(connection, END)
        await append(running.log, random_record(seed, LENGTH), shanghai_day(END))
        await running.reader.head.refresh()
        yield running


async def check(running: Service, log: AuditedLog, random: Random, moments: int) -> None:
    """Hold the tables against the oracle at random moments, and against the log."""
    for _ in range(moments):
        position, day = random.randint(1, size_of(log)), random.choice(PROBES)
        found = differences(await tables_at(running, position, day), expected_at(log, position, day))
        assert not found, f"at ({position}, {day}): " + "\n".join(found)
    async with running.pool.acquire() as connection:
        assert (await verify(connection, TABLES)).position == size_of(log)


@pytest.mark.parametrize("seed", range(RECORDS))
async def test_the_oracle_agrees_with_the_tables_of_random_records(server: str, folder: Path, seed: int) -> None:
    async with recorded(server, folder, seed) as running:
        await check(running, await log_of(running), Random(seed), 20)  # noqa: S311 - to be asked again, nothing secret


async def test_it_agrees_where_an_older_plan_is_imported_behind_a_newer_one(imported: Service) -> None:
    older = msgspec.structs.replace(bundled_plan(), plan="another-plan", issued_on=date(2022, 4, 1))
    await imported.office.record([older])
    await imported.reader.head.refresh()
    log = await log_of(imported)
    group = log.at(size_of(log), date(2022, 4, 1)).subject("unit:ge-qu-ren-min-zheng-fu")
    assert len(group["members"]) == 16
    await check(imported, log, Random(1), 6)  # noqa: S311 - as above


@pytest.mark.parametrize("seed", range(QUESTIONS // FROM_ONE_RECORD))
async def test_it_agrees_with_what_is_served(server: str, folder: Path, seed: int) -> None:
    random = Random(-1 - seed)  # noqa: S311 - as above
    async with recorded(server, folder, 1_000 + seed) as running, serving(running) as site:
        log = AuditedLog.of(await asyncio.to_thread(read, str(site.http.base_url)))
        for _ in range(FROM_ONE_RECORD):
            position, day = random.randint(1, size_of(log)), random.choice(PROBES)
            found = expected_at(log, position, day)
            address, expected = random.choice(list(questions(log, found, position)))
            where = f"{address}?position={position}&effectiveOn={day}"
            assert await differs(site, where, expected) == [], where


def questions(log: AuditedLog, found: dict[str, Any], position: int) -> Iterator[tuple[str, dict[str, Any] | None]]:
    """Addresses, and the subjects that each should show, by stream; None where it should show nothing."""
    for stream in log.at(position, date.max).streams:
        kind, _, key = stream.partition(":")
        if kind == "report":
            continue
        own = {stream: found[stream]} if stream in found else None
        address = f"plans/{key.replace('/', '/tasks/')}" if kind in {"plan", "task"} else f"{kind}s/{key}"
        yield f"/v1/{address}", own
    for kind in ("plan", "unit", "district", "platform"):
        yield f"/v1/{kind}s", {stream: one for stream, one in found.items() if stream.startswith(f"{kind}:")}
    for plan in (stream.removeprefix("plan:") for stream in found if stream.startswith("plan:")):
        for _ in range(8):  # where most of the rules meet
            yield f"/v1/plans/{plan}/tasks", {s: one for s, one in found.items() if s.startswith(f"task:{plan}/")}


async def differs(site: Site, address: str, expected: dict[str, Any] | None) -> list[str]:
    """Where an answer is not what it should be."""
    answer = await site.http.get(address)
    if expected is None:
        return [] if answer.status_code == 404 else [f"{answer.status_code}, and nothing should be there"]
    body = answer.json()
    shown = body.get("items", [body])
    keys = {stream.partition(":")[2]: stream for stream in expected}
    there = {keys.get(one.get("id", one.get("code")), "nothing"): one for one in shown}
    if there.keys() != expected.keys():
        return [f"shows {sorted(there)}, not {sorted(expected)}"]
    return [one for s in there for one in differing_fields(s.partition(":")[0], there[s], expected[s])]


async def oracle(*arguments: str) -> tuple[int, str, str]:
    """The oracle as a program, alone with the standard library: what it says in the end."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", str(PROJECT / "api" / "auditing" / "answers.py"), *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def test_it_reduces_the_feed_as_a_program_on_the_standard_library_alone(told: Site) -> None:
    moment = ("--position", "700", "--effective-on", "2023-10-31")
    code, out, err = await oracle(str(told.http.base_url), *moment)
    assert (code, err) == (0, "")
    shown = {stream: one for stream, one in json.loads(out).items() if one is not None}
    assert differences(await tables_at(told.running, 700, date(2023, 10, 31)), shown) == []


async def test_it_reduces_a_file_of_items(told: Site, tmp_path: Path) -> None:
    items = await asyncio.to_thread(read, str(told.http.base_url))
    file = tmp_path / "items.json"
    file.write_text(json.dumps(items), "utf-8")
    code, out, _ = await oracle(str(file), "task:shanghai-credit-2023/21", "task:shanghai-credit-2023/0")
    assert code == 0
    shown = json.loads(out)
    assert shown["task:shanghai-credit-2023/21"]["reportedStatus"] == "completed"
    assert shown["task:shanghai-credit-2023/0"] is None


async def test_a_leaf_is_made_of_an_item_and_the_root_of_leaves_as_fold_md_says(told: Site) -> None:
    page = await told.get("/v1/events", limit=200)
    leaves = [leaf_of({"v": 1, **item}) for item in await asyncio.to_thread(read, str(told.http.base_url))]
    async with told.running.pool.acquire() as connection:
        kept = await connection.fetch("SELECT entry FROM events ORDER BY position")
    assert leaves == [row["entry"] for row in kept]
    assert tree_hash(leaves).hex() == page["meta"]["root"]


async def test_a_digest_is_checked_as_fold_md_says(told: Site) -> None:
    given = [one for item in await asyncio.to_thread(read, str(told.http.base_url)) for one in item["disclosures"]]
    assert given
    assert all(map(belongs, given))
    assert not belongs(given[0] | {"value": "另一段"})


@pytest.mark.parametrize("file", VECTORS, ids=lambda file: file.stem)
async def test_each_vector_passes_in_the_tables(server: str, folder: Path, file: Path) -> None:
    vector = json.loads(file.read_text("utf-8"))
    async with database_of(server, "fresh") as dsn, service(settings_for(dsn, folder)) as running:
        async with running.pool.acquire() as connection:
            await set_clock(connection, END)
        await append(running.log, facts_of(vector["items"]), shanghai_day(END))
        await running.reader.head.refresh()
        for moment in vector["moments"]:
            shown = await tables_at(running, moment["position"], date.fromisoformat(moment["effectiveOn"]))
            for stream, expected in moment["expect"].items():
                assert (stream in shown) == (expected is not None), moment
                assert list(differing_fields(stream.partition(":")[0], shown.get(stream, {}), expected or {})) == [], (
                    moment
                )
        async with running.pool.acquire() as connection:
            assert (await verify(connection, TABLES)).position == len(vector["items"])


@pytest.mark.parametrize("file", VECTORS, ids=lambda file: file.stem)
async def test_each_vector_passes_by_the_oracle_as_a_program(file: Path) -> None:
    assert await oracle("--vectors", str(file)) == (0, "", "")


async def test_a_vector_that_expects_something_else_is_told(tmp_path: Path) -> None:
    vector = json.loads(VECTORS[0].read_text("utf-8"))
    vector["moments"][0]["expect"] = dict.fromkeys(vector["moments"][0]["expect"])
    (tmp_path / "other.json").write_text(json.dumps(vector), "utf-8")
    code, _, err = await oracle("--vectors", str(tmp_path / "other.json"))
    assert code == 1
    assert "not None" in err


def test_vectors_document_and_answers_are_of_one_version() -> None:
    assert {json.loads(file.read_text("utf-8"))["rules"] for file in VECTORS} == {RULES_VERSION}
    assert f"version **{RULES_VERSION}** (`meta.rules`" in (PROJECT / "openapi" / "FOLD.md").read_text("utf-8")


def test_every_fact_stands_in_the_document() -> None:
    document = (PROJECT / "openapi" / "FOLD.md").read_text("utf-8")
    assert [name for name in FACTS if f"`{name.rpartition('.')[0]}" not in document] == []


def test_another_version_of_the_rules_makes_the_tables_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    before = shape_of(TABLES)
    monkeypatch.setattr("projections.runner.RULES_VERSION", RULES_VERSION + 1)
    assert shape_of(TABLES) != before


async def test_every_meta_names_the_version_of_the_rules(told: Site) -> None:
    for address in ("/v1/plans", PLAN, f"{PLAN}/tasks/21", "/v1/events", "/v1/events/7", f"{PLAN}/history"):
        assert (await told.get(address))["meta"]["rules"] == RULES_VERSION
    assert (await told.get(f"{PLAN}/tasks/21/diff", **{"from": "400"}))["meta"]["rules"] == RULES_VERSION
    answer = await told.ask('{ plan(id: "shanghai-credit-2023") { meta { rules } } }')
    assert answer["plan"]["meta"]["rules"] == RULES_VERSION


def test_the_faults_that_it_must_see_can_still_be_put_in() -> None:
    found = {name: (PROJECT / one.file).read_text("utf-8").count(one.was) for name, one in MUTANTS.items()}
    assert {name: count for name, count in found.items() if count != 1} == {}


def test_the_oracle_is_short_enough_to_be_read() -> None:
    assert len((PROJECT / "api" / "auditing" / "answers.py").read_text("utf-8").splitlines()) <= 400
