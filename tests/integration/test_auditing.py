"""`planrecord audit` against a real server: what a superuser rewrites is found by what was kept before."""
# ruff: noqa: S608 - statements of our own words

import shutil
from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest

from api.cli.continued import continue_log
from api.hosting.heads import HEADS
from api.hosting.keys import key_folder
from api.hosting.publishing import sign_first
from api.hosting.settings import Settings
from domain.bundled import bundled_plan
from domain.commands import AnyCommand
from events.database import Connection, undisturbed
from events.demo import set_clock
from events.erasable import disclose
from events.note import SigningKey, VerifierKey
from events.recorded import Recorded
from tests.conftest import IMPORTED_AT, REPORT, TASK, Site, database_of, settings_for
from tests.integration.commands import Finished, planrecord
from tests.integration.test_tampering import (
    Tamper,
    added,
    at,
    foreign_void,
    more,
    of_task,
    renumbered,
    reworded,
    rewritten,
    sql,
    task_at,
)
from tests.signing import signed_once, signed_site

SIZE = 354  # facts of the record that is rewritten
WORDED = msgspec.structs.replace
Rewrite = tuple[Tamper, int | str]  # and the first position that differs


class Record:
    """A signed log, served and audited once; whose database and folder can be copied."""

    def __init__(self, settings: Settings, state: Path, key: Path) -> None:
        self.settings, self.state, self.key = settings, state, key
        self.name = settings.database_url


async def audit(site: Site | str, state: Path, *arguments: str) -> Finished:
    target = site if isinstance(site, str) else str(site.http.base_url)
    return await planrecord("audit", target, *arguments, XDG_STATE_HOME=str(state))


@pytest.fixture(scope="module")
async def record(server: str, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Record]:
    async with database_of(server, "template1") as dsn:
        settings, place = settings_for(dsn, folder), tmp_path_factory.mktemp("audited")
        state, key = place / "state", place / "key"
        async with signed_site(settings) as site:
            async with site.running.pool.acquire() as connection:
                await set_clock(connection, IMPORTED_AT)
            await site.running.office.record([bundled_plan()])
            corrected = REPORT | {"status": "completed", "replaces": SIZE - 1, "reason": "更正"}
            for one in (REPORT, corrected):
                await site.running.office.record([msgspec.convert(one, AnyCommand)])
        async with signed_site(settings) as site:
            key.write_text((await site.http.get("/log/key", follow_redirects=True)).text)
            first = await audit(site, state, "--key", str(key))
            assert (first.code, first.err) == (0, ""), first
            assert f"{SIZE} facts, root " in first.out
        yield Record(settings, state, key)


@pytest.fixture
async def copy(server: str, folder: Path, record: Record, tmp_path: Path) -> AsyncGenerator[Record]:
    """The same log in another database and another folder, and what its auditor knows."""
    template = str(record.settings.database_url).partition("?")[0].rpartition("/")[2]
    async with database_of(server, template) as dsn:
        settings = settings_for(dsn, folder)
        shutil.copytree(record.settings.data_dir, settings.data_dir)
        shutil.copytree(record.state, tmp_path / "state")
        yield Record(settings, tmp_path / "state", record.key)


async def rewrite(record: Record, *tampers: Tamper) -> None:
    """Whoever may do everything does it: no trigger keeps him from it."""
    connection = await asyncpg.connect(record.settings.database_url)
    try:
        async with connection.transaction(isolation="repeatable_read"):
            await connection.execute("SET LOCAL session_replication_role = replica")
            for tamper in tampers:
                await tamper(connection)
    finally:
        await connection.close()


async def sign_anew(record: Record) -> None:
    """Sign what is there as if nothing else had ever been signed: no note and no file says how it was."""
    await rewrite(record, sql("DELETE FROM notes"))
    shutil.rmtree(record.settings.data_dir / HEADS)
    async with undisturbed(str(record.settings.database_url)) as connection:
        log = await connection.fetchval("SELECT log FROM log_head")
        key_folder(record.settings, log).note_file.unlink()
        await sign_first(connection, record.settings)


def back_dated(facts: list[Recorded]) -> list[Recorded]:
    """Thirty facts hold from a month earlier."""
    return [
        WORDED(one, effective_on=one.effective_on - timedelta(days=30)) if 100 <= one.position < 130 else one
        for one in facts
    ]


def inserted(facts: list[Recorded]) -> list[Recorded]:
    """A rewording before the two reports, which the record never had; the correction still corrects the first."""
    *before, report, correction = facts
    new = WORDED(more(facts, len(of_task(facts)) + 1), recorded_at=before[-1].recorded_at)
    return renumbered([*before, new, report, WORDED(correction, replaces=SIZE)])


async def swapped_narrative(connection: Connection) -> None:
    """Another text, under a fresh digest, in leaf and table."""
    forged = disclose("一切顺利", bytes(16))
    given = forged.digest, forged.salt, forged.value, SIZE
    await connection.execute("UPDATE disclosures SET digest = $1, salt = $2, value = $3 WHERE position = $4", *given)

    def sealed(one: Recorded) -> Recorded:
        return WORDED(one, fact=WORDED(one.fact, narrative=WORDED(one.fact.narrative, digest=forged.digest)))  # type: ignore[attr-defined]

    await rewritten(at(SIZE, sealed))(connection)


REWRITES: dict[str, Rewrite] = {
    "a task is reworded": (rewritten(lambda facts: at(task_at(facts), reworded)(facts)), "a task"),
    "thirty facts are back-dated": (rewritten(back_dated), 100),
    "the last fact is cut off": (rewritten(lambda facts: facts[:-1]), SIZE),
    "a foreign void is added": (rewritten(added(foreign_void)), SIZE + 1),
    "a narrative is swapped": (swapped_narrative, SIZE),
    "a fact is inserted": (rewritten(inserted), SIZE - 1),
}


@pytest.mark.parametrize("what", REWRITES)
async def test_a_consistent_rewrite_is_found_with_its_first_position(copy: Record, what: str) -> None:
    tamper, position = REWRITES[what]
    if position == "a task":
        async with undisturbed(str(copy.settings.database_url)) as connection:
            position = await connection.fetchval("SELECT min(position) FROM events WHERE stream = $1", f"task:{TASK}")
    await rewrite(copy, tamper)
    await sign_anew(copy)
    async with signed_site(copy.settings) as site:
        found = await audit(site, copy.state)
    assert found.code == 1, found
    assert f"position {position}" in found.err, found.err
    kept = Path(found.err.rpartition("kept, with the notes: ")[2].strip())
    notes = kept.read_text().count(f"\n{(await name_of(copy))}\n")
    assert notes == (1 if what == "a foreign void is added" else 2)


async def name_of(record: Record) -> str:
    async with undisturbed(str(record.settings.database_url)) as connection:
        row = await connection.fetchrow("SELECT origin, log FROM log_head")
    assert row is not None
    return f"{row['origin']}/{row['log']}"


async def test_an_untouched_log_agrees_and_so_does_one_rebuilt_elsewhere(copy: Record) -> None:
    async with signed_site(copy.settings) as site:
        found = await audit(site, copy.state)
        assert (found.code, found.err) == (0, "")
        assert "0 of them are new" in found.out
        await site.record({"type": "task.reword", "task": TASK, "text": "另写", "reason": "为测试"})
        await signed_once(site)
        found = await audit(site, copy.state)
        assert (found.code, found.err) == (0, "")
        assert f"{SIZE + 1} facts, root" in found.out
        assert "1 of them are new" in found.out


async def test_answers_asked_at_random_and_texts_agree(copy: Record) -> None:
    async with signed_site(copy.settings) as site:
        found = await audit(site, copy.state, "--compare", "60", "--seed", "1", "--texts")
    assert (found.code, found.err) == (0, "")
    assert "60 questions asked (--seed 1): 0 differences" in found.out
    assert "2 texts are those of their digests" in found.out


TABLES_TAMPERED: dict[str, tuple[Tamper, tuple[str, ...], str]] = {
    "a row": (
        sql("UPDATE projections.units SET doc = replace(convert_from(doc, 'UTF8'), '市', '甲')::bytea"),
        ("--compare", "60", "--seed", "1"),
        "the log says",
    ),
    "a row that went away": (sql("DELETE FROM projections.tasks"), ("--compare", "20", "--seed", "1"), "the log has"),
    "a text": (
        sql(f"UPDATE disclosures SET value = '一切顺利' WHERE position = {SIZE}"),
        ("--texts",),
        f"position {SIZE}: the text under ",
    ),
    "a text that went away": (
        sql(f"DELETE FROM disclosures WHERE position = {SIZE}"),
        ("--texts",),
        "is withheld, and no fact erased it",
    ),
}


@pytest.mark.parametrize("what", TABLES_TAMPERED)
async def test_what_is_served_beside_the_log_is_held_against_it(copy: Record, what: str) -> None:
    tamper, options, words = TABLES_TAMPERED[what]
    await rewrite(copy, tamper)
    async with signed_site(copy.settings) as site:
        assert (await audit(site, copy.state)).code == 0
        found = await audit(site, copy.state, *options)
    assert found.code == 1, found
    assert words in found.err


async def test_a_key_that_is_shown_in_place_of_the_one_that_signs_is_found(copy: Record) -> None:
    async with signed_site(copy.settings) as site:
        other = SigningKey(VerifierKey.parse(copy.key.read_text().strip()).name, bytes(32)).public
        await rewrite(copy, sql(f"UPDATE log_keys SET vkey = '{other}'"))
        found = await audit(site, copy.state)
    assert found.code == 1, found
    assert f"and its server shows the key {other}" in found.err


async def saved(site: Site, address: str, place: Path) -> Path:
    answer = await site.http.get("/v1/evidence", params={"of": address})
    assert answer.status_code == 200, answer.text
    place.write_bytes(answer.content)
    return place


async def test_a_saved_answer_is_judged_offline(copy: Record, tmp_path: Path) -> None:
    async with signed_site(copy.settings) as site:
        file = await saved(site, f"/v1/plans/shanghai-credit-2023/tasks/21?position={SIZE}", tmp_path / "x.evidence")
    good = await audit(str(file), copy.state)
    assert (good.code, good.err) == (0, "")
    assert "its facts give this answer" in good.out
    assert "was signed" in good.out
    forged = tmp_path / "forged.evidence"
    forged.write_text(file.read_text().replace('\\"completed\\"', '\\"blocked\\"'))
    assert forged.read_text() != file.read_text()
    found = await audit(str(forged), copy.state, "--key", str(copy.key))
    assert found.code == 1
    assert "the facts do not give this answer" in found.err
    unsigned = msgspec.json.decode(file.read_bytes()) | {"note": None, "consistency": []}
    file.write_bytes(msgspec.json.encode(unsigned))
    alone = await audit(str(file), tmp_path / "nothing", "--key", str(copy.key))
    assert alone.code == 2
    assert "proves nothing by itself" in alone.err


async def test_a_saved_answer_convicts_the_server_that_was_rewritten_since(copy: Record, tmp_path: Path) -> None:
    async with signed_site(copy.settings) as site:
        file = await saved(site, f"/v1/plans/shanghai-credit-2023/tasks/21?position={SIZE}", tmp_path / "x.evidence")
    await rewrite(copy, REWRITES["a narrative is swapped"][0])
    await sign_anew(copy)
    nobody = tmp_path / "somebody"
    unknown = await audit(str(file), nobody, "--key", str(copy.key))
    assert (unknown.code, "audit the log first" in unknown.err) == (2, True)
    async with signed_site(copy.settings) as site:
        assert (await audit(site, nobody, "--key", str(copy.key))).code == 0
    found = await audit(str(file), nobody)
    assert found.code == 1
    assert f"another root at position {SIZE}, and both are signed" in found.err


async def test_the_state_is_the_one_that_is_served(copy: Record, tmp_path: Path) -> None:
    out = tmp_path / "state.json"
    async with signed_site(copy.settings) as site:
        done = await audit(site, copy.state, "--position", str(SIZE), "--effective-on", "2023-06-30", "--out", str(out))
        task = await site.get("/v1/plans/shanghai-credit-2023/tasks/21", position=SIZE, effectiveOn="2023-06-30")
    assert (done.code, done.err) == (0, "")
    state: dict[str, Any] = msgspec.json.decode(out.read_bytes())
    assert state["moment"]["root"] == task["meta"]["root"]
    shown = state["subjects"][f"task:{TASK}"]
    assert {name: shown[name] for name in ("text", "reportedStatus", "answered", "completedOn", "due", "version")} == {
        name: task[name] for name in ("text", "reportedStatus", "answered", "completedOn", "due", "version")
    }


async def test_a_log_that_goes_on_from_another_is_told_of(copy: Record) -> None:
    """A restored copy that lacks the last fact goes on under an identity of its own, and says so."""
    former = (await name_of(copy)).rpartition("/")[2]
    await rewrite(copy, REWRITES["the last fact is cut off"][0], sql("DELETE FROM notes"))
    await continue_log(copy.settings)
    async with signed_site(copy.settings) as site:
        found = await audit(site, copy.state, "--trust-first")
    assert (found.code, found.err) == (0, ""), found
    assert f"goes on from log {former}, with whose first {SIZE - 1} it begins" in found.out
    assert f"so it does up to position {SIZE - 1}, by what was kept of log {former}" in found.out
    assert f"{SIZE} facts were signed: those from position {SIZE} on are not in this log" in found.out


async def test_a_log_that_says_falsely_that_it_goes_on_from_another_is_found(copy: Record) -> None:
    await rewrite(copy, REWRITES["a task is reworded"][0], sql("DELETE FROM notes"))
    await rewrite(copy, REWRITES["the last fact is cut off"][0])
    await continue_log(copy.settings)
    async with signed_site(copy.settings) as site:
        found = await audit(site, copy.state, "--trust-first")
    assert found.code == 1, found
    assert f"of these the first {SIZE - 1} were others at an earlier visit" in found.err
