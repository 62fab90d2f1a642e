"""What pages of units and districts draw is what REST tells at the same moment, and each begins with its answer."""

import re
from datetime import date, datetime, timedelta
from html import unescape
from importlib import import_module
from random import Random
from typing import Any

import pytest

from domain.document.reference import REFERENCE
from domain.values import RANK, SHANGHAI, Status, period_days
from tests.conftest import PLAN, Site
from tests.marks import marks, of

FIRST, DAYS = date(2023, 3, 25), 281
MOMENTS = 50
ISSUED = date(2023, 3, 28)
TAGS = re.compile(r"<[^>]*>")


def moments(seed: int) -> list[dict[str, str]]:
    chance = Random(seed)  # noqa: S311 - the same moments each time
    found: list[dict[str, str]] = []
    for _ in range(MOMENTS):
        days = [
            str(FIRST + timedelta(days=chance.randint(9, DAYS))),
            str(FIRST + timedelta(days=chance.randint(0, DAYS))),
        ]
        clocks = {"asOf": days[0], "effectiveOn": days[1]}
        found.append({name: day for name, day in clocks.items() if chance.random() < 0.8})
    return found


async def drawn(site: Site, path: str, moment: dict[str, str]) -> str:
    page = await site.http.get(path, params=moment)
    assert page.status_code == 200, (path, moment)
    return page.text


def answer(html: str) -> str:
    (said,) = re.findall(r'data-field="answer">(.*?)</p>', html)
    return unescape(TAGS.sub("", said))


def counted(own: dict[str, str], statuses: list[str]) -> bool:
    """Whether a bar's numbers are how often each status stands there."""
    return {key: int(value) for key, value in own.items()} == {one: statuses.count(one) for one in set(statuses)}


def words_of(view: Any, live: set[str]) -> dict[str, str]:
    """The own word on each task that is not withdrawn."""
    said = {one["task"]: one["own"]["status"] if one["own"] else "not_reported" for one in view["tasks"]}
    return {task: word for task, word in said.items() if task in live}


async def live_tasks(site: Site, moment: dict[str, str]) -> set[str]:
    page = await site.http.get(f"{PLAN}/tasks", params={**moment, "withdrawn": "false", "limit": "200"})
    return {one["id"] for one in page.json()["items"]} if page.status_code == 200 else set()


async def agrees(site: Site, html: str, view: Any, who: dict[str, str], moment: dict[str, str]) -> None:
    """Compare what a page draws of a unit's or a district's tasks with what REST says of them."""
    key, found, live = view.get("id", view.get("code")), marks(html), await live_tasks(site, moment)
    own, counts = words_of(view, live), view["taskCounts"]
    assert counted(of(found, f"own {key}"), list(own.values()))
    whole = {name: str(count) for name, count in counts["reportedStatus"].items() if count}
    assert of(found, f"whole {key}") == whole
    quarters = {quarter for whose, quarter in found if whose.startswith(f"{key} ") and "/" in whose}
    unasked = [
        task
        for task, word in own.items()
        if word == "not_reported" and {found[f"{key} {task}", quarter] for quarter in quarters} == {"free"}
    ]
    assert of(found, key).get("unasked", "0") == str(len(unasked))
    assert html.count('<span class="badge not_reported">尚未报送</span> <small>无须报送</small>') == len(unasked)
    for quarter in quarters:
        given = {**moment, **who, "silentIn": quarter, "limit": 200}
        silent = {one["id"] for one in (await site.get(f"{PLAN}/tasks", **given))["items"]} & set(own)
        said = await reported(site, view, quarter, moment)
        for task in own:
            assert found[f"{key} {task}", quarter] == said.get(task, "silent" if task in silent else "free")
        assert of(found, key).get(f"due {quarter}", str(len(silent))) == str(len(silent))
    over = counts["silentIn"]["period"]  # of the quarter in which the plan came nobody is called silent
    asked = counts["silentIn"]["tasks"] if over in quarters else 0
    assert not own or of(found, key).get(f"due {over}", "0") == str(asked)
    assert not own or (over in quarters) == (period_days(over)[0] >= ISSUED)
    assert bool(quarters) == bool(own)


async def reported(site: Site, view: Any, quarter: str, moment: dict[str, str]) -> dict[str, str]:
    """What those who speak for it said of each task for a quarter: the demo's reports are for quarters."""
    speakers: list[Any] = view.get("units") or view.get("members") or [view]
    before: list[Any] = view.get("predecessors") or []
    said: dict[str, list[Status]] = {}
    for one in speakers:
        for unit in [one, *before]:
            given: dict[str, Any] = {**moment, "unit": unit["id"], "period": quarter, "limit": 200}
            for report in (await site.get(f"{PLAN}/reports", **given))["items"]:
                said.setdefault(report["task"], []).append(Status(report["status"]))
    return {task: min(words, key=RANK.__getitem__) for task, words in said.items()}


async def test_a_units_charts_show_what_rest_tells_at_50_moments(told: Site) -> None:
    units = [one["id"] for one in (await told.get("/v1/units", limit=200))["items"]]
    chance, tasks = Random(15), 0  # noqa: S311 - the same units each time
    for moment in moments(15):
        unit = chance.choice(units)
        answered = await told.http.get(f"/v1/units/{unit}", params=moment)
        if answered.status_code != 200:
            assert (await told.http.get(f"/units/{unit}", params=moment)).status_code == answered.status_code
            continue
        view = answered.json()
        html = await drawn(told, f"/units/{unit}", moment)
        await agrees(told, html, view, {"unit": unit}, moment)
        tasks += len(view["tasks"])
        led = {one["task"] for one in view["tasks"] if one["role"] == "lead"} & await live_tasks(told, moment)
        assert (f"牵头{len(led)}项" in answer(html)) == bool(led)
    assert tasks > 100


async def test_a_districts_charts_show_what_rest_tells_at_50_moments(told: Site) -> None:
    chance = Random(16)  # noqa: S311 - the same districts each time
    for moment in moments(16):
        code = chance.choice(REFERENCE.districts).code
        view = await told.get(f"/v1/districts/{code}", **moment)
        html = await drawn(told, f"/districts/{code}", moment)
        if not await live_tasks(told, moment):
            assert answer(html) == "当日没有任务。"
            continue
        await agrees(told, html, view, {"district": code}, moment)
        own = list(words_of(view, await live_tasks(told, moment)).values())
        numbers = len(own), len(own) - own.count("not_reported"), own.count("completed")
        assert list(map(int, re.findall(r"(\d+)项", answer(html)))) == list(numbers)


async def test_the_map_of_districts_shows_each_ones_own_word_at_50_moments(told: Site) -> None:
    for moment in moments(17):
        html = await drawn(told, "/districts", moment)
        found, live = marks(html), await live_tasks(told, moment)
        views = (await told.get("/v1/districts", limit=200, **moment))["items"]
        assert len(views) == 16
        for view in views:
            own, shown = words_of(view, live), of(found, view["code"])
            reported = [word for word in own.values() if word != "not_reported"]
            assert shown == {**own, "reported": str(len(reported)), "tasks": str(len(own))}


async def test_the_list_of_units_has_the_numbers_that_rest_counts_at_50_moments(told: Site) -> None:
    chance = Random(18)  # noqa: S311 - the same units each time
    for moment in moments(18):
        sort = chance.choice(["tasks", "completed", "overdue", "silent", "reported"])
        html = await drawn(told, "/units", {**moment, "sort": sort})
        found = marks(html)
        views = {one["id"]: one for one in (await told.get("/v1/units", limit=200, **moment))["items"]}
        lines, live = re.findall(r'data-unit="([^"]*)"', html), await live_tasks(told, moment)
        assert sorted(lines) == sorted(views)
        for unit, view in views.items():
            shown, counts = of(found, unit), view["taskCounts"]
            assert int(shown.pop("tasks")) == sum(counts["reportedStatus"].values())
            assert shown.pop("overdue") == str(counts["scheduleStatus"]["overdue"])
            asked = not live or period_days(counts["silentIn"]["period"])[0] >= ISSUED
            assert shown.pop("silent", None) == (str(counts["silentIn"]["tasks"]) if asked else None)
            bar = {name: str(count) for name, count in counts["reportedStatus"].items() if count}
            assert of(found, f"whole {unit}") == bar
            assert shown == {"completed": bar.get("completed", "0")}
        if sort in {"tasks", "completed", "overdue", "silent"} and (lines[0], sort) in found:
            order = [int(found[unit, sort]) for unit in lines]
            assert order == sorted(order, reverse=True)


async def test_the_sentence_above_the_list_counts_each_unit_once_and_no_group(told: Site) -> None:
    for day in ("2023-10-15", "2023-12-31"):
        units = (await told.get("/v1/units", limit=200, effectiveOn=day))["items"]
        alone = [one["id"] for one in units if one["kind"] != "group"]
        silent = (await told.get(PLAN, effectiveOn=day))["taskCounts"]["silentIn"]["units"]
        said = answer(await drawn(told, "/units", {"effectiveOn": day}))
        assert said.startswith(f"{len(alone)}个单位：")
        assert said.endswith(f"，{len(silent)}个2023年第三季度有未报送的任务。")
        assert {one["id"] for one in silent} <= {*alone} < {one["id"] for one in units}


async def test_of_a_group_each_members_own_word_is_drawn(told: Site) -> None:
    group = "ge-qu-ren-min-zheng-fu"
    for moment in ({}, {"asOf": "2023-08-25", "effectiveOn": "2023-07-15"}):
        found, view = (
            marks(await drawn(told, f"/units/{group}", moment)),
            await told.get(f"/v1/units/{group}", **moment),
        )
        shared, live = {one["task"] for one in view["tasks"]}, await live_tasks(told, moment)
        assert len(view["members"]) == 16
        for member in view["members"]:
            own = words_of(await told.get(f"/v1/units/{member['id']}", **moment), shared & live)
            reported = sum(word != "not_reported" for word in own.values())
            assert of(found, f"{group} {member['id']}") == {**own, "reported": str(reported)}


async def test_a_last_report_is_the_one_that_was_recorded_last(told: Site) -> None:
    html = await drawn(told, "/units", {"lang": "en"})
    for unit in ("shi-fa-zhan-gai-ge-wei", "shang-hai-hai-shi-ju", "shi-ke-wei"):
        reports = (await told.get(f"{PLAN}/reports", unit=unit, limit=200))["items"]
        day = datetime.fromisoformat(max(one["recordedAt"] for one in reports)).astimezone(SHANGHAI).date()
        (line,) = re.findall(rf'data-unit="{unit}".*?</tr>', html, re.DOTALL)
        assert f'<time datetime="{day}">' in line
        assert f'<time datetime="{day}">' in await drawn(told, f"/units/{unit}", {"lang": "en"})


async def test_each_answer_is_one_sentence_of_at_most_60_characters(told: Site) -> None:
    units = [f"/units/{one['id']}" for one in (await told.get("/v1/units", limit=200))["items"]]
    districts = [f"/districts/{one.code}" for one in REFERENCE.districts]
    for path in ["/units", "/districts", *units, *districts]:
        for moment in ({}, {"effectiveOn": "2023-06-30"}, {"lang": "en"}, {"lang": "en", "effectiveOn": "2023-06-30"}):
            said, end = answer(await drawn(told, path, moment)), "." if "lang" in moment else "。"
            assert 0 < len(said) <= 60, said
            assert said.endswith(end)
            assert said.count(end) == 1
    changning = answer(await drawn(told, "/districts/310105", {}))
    assert changning == "长宁区：涉及8项任务，本区报送2项，已完成1项。"


async def test_the_silent_ones_stand_first_and_the_withdrawn_ones_last(site: Site) -> None:
    await site.clock("2023-10-12T09:00:00+08:00")
    report = {"type": "progress.report", "unit": "shi-ke-wei", "period": "2023-Q2", "status": "completed"}
    await site.record(
        {**report, "task": "shanghai-credit-2023/12", "narrative": "完成"},
        {"type": "task.withdraw", "task": "shanghai-credit-2023/16", "reason": "撤销"},
    )
    html = await drawn(site, "/units/shi-ke-wei", {})
    order = [one.rpartition("/")[2] for one in re.findall(r'<li class="task"[^>]*data-task="([^"]*)"', html)]
    assert order == ["13", "15", "64", "12", "16"]
    assert answer(html) == "牵头1项（自报完成1项），按职责分工负责3项（自报完成0项）。"
    assert '<p data-field="last">末次报送<time datetime="2023-10-12">2023年10月12日</time>。</p>' in html
    english = answer(await drawn(site, "/units/shi-ke-wei", {"lang": "en"}))
    assert english == "Leads: 1 (1 done); Responsible by duty: 3 (0 done)."
    assert "已撤销" in html
    assert not any(whose.endswith("/16") for whose, _ in marks(html))
    assert "牵头2项" in answer(await drawn(site, "/units/shi-ke-wei", {"effectiveOn": "2023-10-11"}))


async def test_a_unit_that_does_nothing_says_so(site: Site) -> None:
    await site.record({"type": "unit.register", "unit": "new", "name": "新单位", "kind": "body", "reason": "新设"})
    html = await drawn(site, "/units/new", {})
    assert answer(html) == "当日没有任务。"
    assert "<svg" not in html.partition("<main")[2].replace('<svg class="patterns"', "")


async def test_where_units_fill_more_than_a_page_none_is_sorted(told: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_module("api.pages.units"), "_AT_ONCE", 10)
    html = await drawn(told, "/units", {"sort": "overdue", "effectiveOn": "2023-08-07"})
    lines = re.findall(r'data-unit="([^"]*)"', html)
    assert lines == sorted(lines)
    assert len(lines) == 10
    assert "sort=" not in html.partition("<table")[2].partition("</table>")[0]
    assert "单位多于一页时，按编码排列。" in html


def test_every_district_of_shanghai_has_a_place_of_its_own_on_the_map() -> None:
    places = {(one.row, one.column) for one in REFERENCE.districts}
    assert len(places) == len(REFERENCE.districts) == 16
    assert {row for row, _ in places} == {column for _, column in places} == {1, 2, 3, 4, 5}


async def test_a_district_without_a_place_stands_in_the_list_behind(site: Site) -> None:
    await site.record({"type": "district.register", "district": "310230", "name": "崇明县", "reason": "历史区划"})
    html = await drawn(site, "/districts", {})
    assert re.search(r'<li data-district="310230">', html)
    assert re.search(r'<li class="row-3 column-2" data-district="310105">', html)
