"""`planrecord follow`: a copy that is what the API shows, step by step, whole or a part of it."""

import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any, Final

import pytest

from api.auditing.verdicts import CannotLook
from api.following import follower, signed
from api.main import service
from domain.bundled import bundled_plan
from events.checkpoint import open_checkpoint
from events.note import VerifierKey
from tests.between import Answered, between
from tests.conftest import TASK, Site, copied, database_of, serving, settings_for
from tests.copies import KEYS, kept, read, unlike
from tests.followers import Following
from tests.published import KEY
from tests.signing import signed_once

SIZE: Final = 352  # facts of the imported record
PLAN: Final = "shanghai-credit-2023"
HEALTH: Final = "shi-wei-sheng-jian-kang-wei"
GOVERNMENTS: Final = "ge-qu-ren-min-zheng-fu"
PARTS: Final[tuple[dict[str, str], ...]] = (
    {},
    {"plan": PLAN},
    {"task": TASK},
    {"unit": HEALTH},
    {"district": "310115"},
    {"type": "task.reworded.v1"},
    {"plan": PLAN, "corrections": "true"},
)
# What is recorded, step by step, each at its moment: corrections, late and future facts, names, members, a withdrawal.
STEPS: Final[tuple[tuple[str, list[dict[str, Any]]], ...]] = (
    ("2023-04-04", [{"type": "task.reword", "task": TASK, "text": "另写：一网通办"}]),
    ("2023-04-05", [{"type": "task.set_deadline", "task": TASK, "due": "2023-05-31"}]),
    ("2023-04-05", [{"type": "task.reword", "task": TASK, "text": "五月起", "effectiveOn": "2023-05-01"}]),
    ("2023-05-02", []),
    ("2023-05-03", [{"type": "unit.rename", "unit": HEALTH, "name": "市卫健委"}]),
    ("2023-05-03", [{"type": "fact.void", "target": SIZE + 3, "reason": "误"}]),
    ("2023-06-02", []),
    ("2023-07-02", [{"type": "group.remove_member", "unit": GOVERNMENTS, "member": "huang-pu-qu-ren-min-zheng-fu"}]),
    (
        "2023-07-05",
        [
            {
                "type": "progress.report",
                "task": TASK,
                "unit": HEALTH,
                "period": "2023-Q2",
                "status": "completed",
                "narrative": "完成",
            },
            {"type": "task.withdraw", "task": f"{PLAN}/3"},
        ],
    ),
    ("2023-10-09", []),
)


def url(site: Site) -> str:
    return str(site.http.base_url).rstrip("/")


@pytest.fixture(name="site")
async def followed_site(server: str, folder: Path) -> AsyncGenerator[Site]:
    async with copied(server, folder) as served:
        await signed_once(served)
        yield served


async def reworded(site: Site, text: str, task: str = TASK) -> None:
    await site.record({"type": "task.reword", "task": task, "text": text, "reason": "试"})


async def test_every_part_is_what_the_api_shows_step_by_step(site: Site, tmp_path: Path) -> None:
    copies = [Following(url(site), tmp_path / f"{number}.db", filters) for number, filters in enumerate(PARTS)]
    size = SIZE
    for day, commands in STEPS:
        await site.clock(f"{day}T10:00:00+08:00")
        if commands:
            await site.record(*({"reason": "试"} | one for one in commands))
        await signed_once(site)
        size = site.running.reader.head.size
        for one in copies:
            caught = await one.caught_up()
            assert (caught.position, caught.head) == (size, size)
            assert read(one.order.into, "SELECT position, effectiveOn FROM follow") == [(size, day)]
            found = await unlike(site.http, one.order.into)
            assert not found, f"{one.order.part.said} on {day}: " + "\n".join(found[:5])
    assert read(copies[0].order.into, "SELECT count(*) FROM events") == [(size,)]
    task, others = (kept(copies[2].order.into, name) for name in ("tasks", "plans"))
    assert (task.keys(), others) == ({TASK}, {})
    assert task[TASK]["reportedStatus"] == "in_progress"
    assert task[TASK]["scheduleStatus"] == "overdue"
    assert all(kept(copies[5].order.into, table) == {} for table in KEYS)
    assert read(copies[5].order.into, "SELECT type FROM events ORDER BY position") == [
        ("task.reworded.v1",),
        ("task.reworded.v1",),
        ("fact.voided.v1",),
    ]


async def test_each_fact_is_kept_as_it_was_hashed(site: Site, tmp_path: Path) -> None:
    one = Following(url(site), tmp_path / "whole.db")
    await one.caught_up()
    await reworded(site, "另写")
    await site.record({"type": "fact.void", "target": SIZE + 1, "reason": "误"})
    await signed_once(site)
    assert (await one.caught_up()).facts == 2
    for position, leaf, item in read(one.order.into, "SELECT position, leaf, item FROM events WHERE position % 50 = 1"):
        assert (await site.http.get(f"/v1/events/{position}/leaf")).text == leaf
        shown = await site.get(f"/v1/events/{position}")
        assert json.loads(item) == {name: shown[name] for name in shown if name not in {"meta", "undoneBy"}}
    assert read(one.order.into, "SELECT undoneBy FROM events WHERE position = ?", SIZE + 1) == [(SIZE + 2,)]
    ((root, key, note),) = read(one.order.into, "SELECT root, key, note FROM follow")
    assert root == (await site.get("/v1/plans"))["meta"]["root"]
    assert open_checkpoint(note.encode(), VerifierKey.parse(key)).root.hex() == root


async def test_spans_make_one_copy(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes several transactions is what one would have made; a filter's subject may not be there in the first."""
    parts = [*enumerate(PARTS[:3])]
    copies = [Following(url(site), tmp_path / f"{number}.db", filters) for number, filters in parts]
    expected = [Following(url(site), tmp_path / f"{number}.one.db", filters) for number, filters in parts]
    for one in expected:
        await one.caught_up()
    monkeypatch.setattr(follower, "SPAN", 60)
    for one, whole in zip(copies, expected, strict=True):
        await one.caught_up()
        for table in ("events", "follow", *KEYS):
            rows = f"SELECT * FROM {table} ORDER BY 1"  # noqa: S608 - our own words
            assert read(one.order.into, rows) == read(whole.order.into, rows)


async def test_what_is_not_signed_is_not_taken_over(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signed, "SIGNED_WITHIN", 0.5)
    note = (await site.http.get("/log/checkpoint", follow_redirects=True)).content

    def late(answered: Answered) -> None:
        if answered.path.endswith("/checkpoint"):
            answered.body = note

    with between(url(site)) as middle:
        one = Following(middle.url, tmp_path / "whole.db")
        await one.caught_up()
        middle.mischief = late
        await reworded(site, "另写")
        caught = await one.caught_up()
        assert (caught.facts, caught.position, caught.head) == (0, SIZE, SIZE + 1)
        assert "its newest note does not cover" in one.told[-1]
        middle.mischief = lambda _: None
        await signed_once(site)
        assert (await one.caught_up()).position == SIZE + 1


@pytest.mark.parametrize("filters", PARTS[:2])
async def test_a_log_that_nobody_signs_is_followed_with_a_warning(
    server: str, folder: Path, tmp_path: Path, filters: dict[str, str]
) -> None:
    async with database_of(server, "imported") as dsn, service(settings_for(dsn, folder)) as running:
        async with running.pool.acquire() as connection, connection.transaction():
            await connection.execute("SET LOCAL session_replication_role = replica")
            await connection.execute("DELETE FROM notes")
            await connection.execute("DELETE FROM log_keys")
        async with serving(running) as site:
            with pytest.raises(CannotLook, match="you give a key, and nobody signs this log"):
                await Following(url(site), tmp_path / "key.db", key=KEY.public).caught_up()
            one = Following(url(site), tmp_path / "copy.db", filters)
            assert (await one.caught_up()).position == SIZE
            await reworded(site, "另写")
            assert (await one.caught_up()).facts == 1
            assert [told for told in one.told if told.startswith("WARNING: nobody signs this log")]
            assert not await unlike(site.http, one.order.into)


async def test_a_log_that_holds_nothing_yet_is_followed_from_its_first_fact_on(
    server: str, folder: Path, tmp_path: Path
) -> None:
    async with copied(server, folder, "fresh") as site:
        one = Following(url(site), tmp_path / "copy.db")
        with pytest.raises(CannotLook, match=r"gave up after 1 tries: .*the record is empty"):
            await one.caught_up()
        await site.clock("2023-04-03T09:00:00+08:00")
        await site.running.office.record([bundled_plan()])
        await signed_once(site)
        assert (await one.caught_up()).position == SIZE
        assert not await unlike(site.http, one.order.into)
