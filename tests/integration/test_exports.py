"""What is taken home is what the API shows, whatever the form and the moment, and what changed makes the one the other.

The moments are random ones of a year and of random records. `EXPORTED=50` tries every form at each of them.
"""

import os
from collections.abc import AsyncGenerator, Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from api.cli.year import tell
from tests.conftest import Site, copied
from tests.exported import FORMS, KEYS, SUBJECTS, Row, columns_of, file_of, items_in, items_of, row_of, rows_in
from tests.integration.test_doors_agree import record, told_by

MOMENTS = 50
EVERY_FORM = int(os.environ.get("EXPORTED", "4"))  # moments at which the slow forms are tried of all subjects
PAIRS = 50


@pytest.fixture(scope="module")
async def varied(server: str, folder: Path) -> AsyncGenerator[Site]:
    """A year, and random facts, voidings and replacements."""
    async with copied(server, folder, "fresh") as site:
        await tell(site.running)
        for seed in range(4):
            random = Random(seed)  # noqa: S311 - to be repeated
            await record(site, told_by(random, site.running.reader.head.size), random)
        yield site


def moments(site: Site, seed: int, count: int) -> Iterator[dict[str, Any]]:
    random = Random(seed)  # noqa: S311 - to be repeated
    for _ in range(count):
        position = random.randint(1, site.running.reader.head.size)
        yield {"position": position, "effectiveOn": date(2023, 3, 1) + timedelta(days=random.randint(0, 400))}


async def test_every_export_has_the_rows_of_the_lists_cell_by_cell(varied: Site, tmp_path: Path) -> None:
    told = dict.fromkeys(FORMS, 0)
    for number, moment in enumerate(moments(varied, 1, MOMENTS)):
        for subject in SUBJECTS:
            items = await items_of(varied.http, subject, **moment)
            forms = FORMS if number < EVERY_FORM else FORMS[:3]
            columns = await columns_of(varied.http, subject, **moment)
            for form in forms:
                found = await file_of(varied.http, subject, form, **moment)
                assert int(found.headers["Items"]) == len(items)
                expected: Sequence[Any] = items
                if form in {"json", "ndjson"}:
                    read = items_in(form, found.content)
                else:
                    expected = [row_of(one, columns) for one in items]
                    read = rows_in(form, found.content, columns, tmp_path)
                assert read == expected, (subject, form, moment)
                told[form] += len(read)
    print(told)  # noqa: T201 - how much was compared
    assert told["csv"] > 20_000


async def test_what_changed_makes_the_later_of_the_earlier(varied: Site, tmp_path: Path) -> None:
    random = Random(2)  # noqa: S311 - to be repeated
    varied_from = 760
    changes = gone = 0
    for moment in moments(varied, 3, PAIRS):
        size, day = varied.running.reader.head.size, moment["effectiveOn"]
        if random.random() < 0.7:  # both among the random facts, of which many undo others
            moment["position"] = random.randint(varied_from, size)
        since = random.randint(min(varied_from, moment["position"]), moment["position"])
        for subject in SUBJECTS:
            before = await items_of(varied.http, subject, position=since, effectiveOn=day)
            after = await items_of(varied.http, subject, **moment)
            found = items_in("ndjson", (await file_of(varied.http, subject, "ndjson", **moment, since=since)).content)
            made = {key_of(subject, one): one for one in before}
            for one in found:
                change = one.pop("change")
                if change == "put":
                    assert made.get(key_of(subject, one)) != one, "nothing is brought that is as it was"
                    made[key_of(subject, one)] = one
                else:
                    assert change == "gone"
                    del made[key_of(subject, one)]
                    gone += 1
            expected = {key_of(subject, one): one for one in after}
            unlike = [
                (made.get(key), expected.get(key))
                for key in made.keys() | expected
                if made.get(key) != expected.get(key)
            ]
            assert unlike[:2] == [], (subject, since, moment)
            changes += len(found)
    print({"changes": changes, "gone": gone})  # noqa: T201 - how much was compared
    assert gone > 20
    await every_form_tells_the_same(varied, tmp_path)


async def every_form_tells_the_same(site: Site, tmp_path: Path) -> None:
    moment = {"position": site.running.reader.head.size, "effectiveOn": "2023-12-31", "since": 700}
    for subject in SUBJECTS:
        columns = await columns_of(site.http, subject, **moment)
        assert columns[0]["name"] == "change"
        items = items_in("json", (await file_of(site.http, subject, "json", **moment)).content)
        expected = [row_of(one, columns) for one in items]
        for form in ("csv", "parquet", "xlsx"):
            read = rows_in(form, (await file_of(site.http, subject, form, **moment)).content, columns, tmp_path)
            assert [known(one) for one in read] == [known(one) for one in expected], (subject, form)


def known(row: Row) -> dict[str, Any]:
    """What is there: of what is gone a list is no list, and not an empty one."""
    return {name: value for name, value in row.items() if value not in (None, [])}


def key_of(subject: str, item: Row) -> tuple[Any, ...]:
    return tuple(row_of(item, [{"name": name} for name in KEYS[subject]]).values())


async def test_what_the_calendar_alone_changed_is_no_change(told: Site) -> None:
    head = told.running.reader.head.size
    for day in ("2023-06-30", "2023-12-31", "2024-06-30"):
        for subject in SUBJECTS:
            found = await file_of(told.http, subject, "ndjson", since=head, position=head, effectiveOn=day)
            assert found.content == b""


async def test_those_of_one_plan(varied: Site) -> None:
    plan, moment = "shanghai-credit-2023", {"position": varied.running.reader.head.size, "effectiveOn": "2023-12-31"}
    for subject in ("tasks", "assignments", "targets", "reports"):
        own = [one for one in await items_of(varied.http, subject, **moment) if one["plan"] == plan]
        found = await file_of(varied.http, subject, "ndjson", plan=plan, **moment)
        assert items_in("ndjson", found.content) == own
        assert f"_{plan}_{subject}_" in found.headers["Content-Disposition"]
    own = (await varied.get("/v1/events.json", plan=plan, **moment))["items"]
    found = await file_of(varied.http, "events", "json", plan=plan, **moment)
    assert [one["position"] for one in items_in("json", found.content)] == [one["position"] for one in own]
    mentioned = (await varied.get(f"/v1/plans/{plan}/platforms.json", **moment))["items"]
    found = await file_of(varied.http, "platforms", "json", plan=plan, **moment)
    assert items_in("json", found.content) == mentioned
