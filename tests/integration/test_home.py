"""The first page answers for any record: of one plan or several, with withdrawn tasks, before the first plan."""

import re
from collections.abc import AsyncGenerator
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.services.phrases import Lang, phrase
from tests.conftest import PLAN, TASK, Site, copied
from tests.contract.test_catalogue import OTHER

TAGS = re.compile(r"<[^>]*>")
OTHER_ID = "li-shi-2024"


def field(page: str, name: str) -> str:
    """What a field of a page says."""
    (found,) = re.findall(rf'data-field="{name}"[^>]*>(.*?)</p>', page, re.DOTALL)
    return unescape(TAGS.sub("", found)).strip()


@pytest.fixture(scope="module")
async def two(server: str, folder: Path) -> AsyncGenerator[Site]:
    """A record in which a second plan is imported in 2024."""
    async with copied(server, folder) as site:
        await site.clock("2024-02-01T09:00:00+08:00")
        await site.record(OTHER)
        yield site


async def test_the_first_sentence_says_how_the_tasks_stand(told: Site) -> None:
    page = (await told.http.get("/")).text
    assert field(page, "answer") == "67项任务：已完成44项，推进中23项，1项已逾期。"
    early = (await told.http.get("/?effectiveOn=2023-07-15")).text
    assert field(early, "answer") == (
        "67项任务：已完成3项，推进中39项，进度滞后11项，尚未启动6项，尚未报送8项，2项已逾期。"
    )


async def test_where_a_sentence_has_no_room_for_each_status_the_last_are_counted_together(told: Site) -> None:
    early = (await told.http.get("/", params={"effectiveOn": "2023-07-15", "lang": "en"})).text
    assert field(early, "answer") == "67 tasks: 3 completed, 39 in progress, 25 other, 2 overdue."


SPAN = "from=2023-06-30&to=2023-09-30"
ANSWERING = {
    "answer": ("/", "/plans/shanghai-credit-2023", "/overdue", "/silent", "/changes", f"/changes?{SPAN}", "/data"),
    "behind": ("/",),
    "stands": tuple(f"/plans/shanghai-credit-2023/tasks/{number}" for number in range(1, 68)),
}


@pytest.mark.parametrize("lang", Lang)
@pytest.mark.parametrize("name", ANSWERING)
async def test_an_answer_has_at_most_60_characters_in_either_language_on_any_day(
    told: Site, name: str, lang: Lang
) -> None:
    found = list[str]()
    for path in ANSWERING[name]:
        for day in ("2023-04-15", "2023-07-15", "2023-10-15", "2023-12-31", "2024-03-01"):
            page = await told.http.get(httpx.URL(path).copy_merge_params({"lang": lang, "effectiveOn": day}))
            assert (f'data-field="{name}"' in page.text) or (name, day) == ("behind", "2023-04-15"), (path, day)
            found += re.findall(rf'data-field="{name}"[^>]*>(.*?)(?: <a href="#behind">.*?)?</p>', page.text, re.DOTALL)
    lengths = [len(unescape(TAGS.sub("", one)).strip()) for one in found]
    assert 0 < min(lengths) <= max(lengths) <= 60, max(found, key=len)


async def test_who_is_most_behind_follows_the_rule_that_the_page_states(told: Site) -> None:
    """By overdue tasks of those who must speak and have not reported completion, then by silence, then by id."""
    for on in ("2023-07-15", "2023-10-15", "2023-12-31"):
        tasks = (await told.get(f"{PLAN}/tasks.json", effectiveOn=on))["items"]
        overdue: dict[str, int] = {}
        for task in tasks:
            if task["scheduleStatus"] == "overdue":
                open_ = [one["unit"]["id"] for one in task["latestReports"] if one["status"] != "completed"]
                for unit in {*open_, *(one["id"] for one in task["answered"]["silent"])}:
                    overdue[unit] = overdue.get(unit, 0) + 1
        counts = (await told.get(PLAN, effectiveOn=on))["taskCounts"]["silentIn"]["units"]
        silent = {one["id"]: one["tasks"] for one in counts}
        ranked = sorted({*overdue, *silent}, key=lambda one: (-overdue.get(one, 0), -silent.get(one, 0), one))
        page = (await told.http.get("/", params={"effectiveOn": on})).text
        shown = page.partition('class="brief ranked"')[2].partition("</ol>")[0]
        assert re.findall(r"/units/([^?\"]*)", shown) == ranked[:3], on
        assert "先比逾期而本单位未报告完成的任务数" in page
        assert f"/units/{ranked[0]}?" in re.findall(r'data-field="behind">(.*?)</p>', page, re.DOTALL)[0]


async def test_of_several_plans_the_newest_has_the_board_and_each_has_its_bar(two: Site) -> None:
    page = (await two.http.get("/")).text
    title = (await two.get(f"/v1/plans/{OTHER_ID}"))["title"]
    assert f">{title}<" in page.partition("<h1>")[2].partition("</h1>")[0]
    assert re.findall('data-plan="([^"]*)"', page) == [OTHER_ID, PLAN.rpartition("/")[2]]
    assert {one.partition("/")[0] for one in re.findall('data-of="([^"/]*/[0-9]+)"', page)} == {OTHER_ID}
    for one in (OTHER_ID, PLAN.rpartition("/")[2]):
        counts = (await two.get(f"/v1/plans/{one}"))["taskCounts"]["reportedStatus"]
        bar = re.findall(rf'data-of="{one}" data-key="([a-z_]*)" data-value="([0-9]+)"><title>', page)
        assert dict(bar) == {name: str(count) for name, count in counts.items() if count}
    before = (await two.http.get("/?asOf=2023-04-03")).text
    assert "2023年上海市社会信用体系建设工作要点" in before.partition("<h1>")[2].partition("</h1>")[0]


async def test_in_a_record_without_a_plan_it_helps_on(told: Site) -> None:
    for lang in Lang:
        for path in ("/", "/overdue", "/silent"):
            page = (await told.http.get(path, params={"effectiveOn": "2023-03-01", "lang": lang})).text
            assert field(page, "answer") == phrase(lang, "home.none")
            assert str(phrase(lang, "home.none.help")) in page


async def test_nothing_overdue_and_nobody_silent_is_said_as_such(shared: Site) -> None:
    overdue = (await shared.http.get("/overdue")).text
    assert field(overdue, "answer") == "没有逾期的任务，也没有逾期后完成的任务。"
    silent = (await shared.http.get("/silent", params={"effectiveOn": "2023-03-31"})).text
    assert field(silent, "answer") == "计划印发以来还没有结束的整季，谈不上漏报。"
    assert "没有单位逾期" in (await shared.http.get("/", params={"effectiveOn": "2023-03-28"})).text


async def test_what_is_withdrawn_stands_beside_the_board_and_in_no_number(site: Site) -> None:
    await site.record({"type": "task.withdraw", "task": TASK, "reason": "撤销"})
    for path in ("/", f"/plans/{PLAN.rpartition('/')[2]}"):
        page = (await site.http.get(path)).text
        assert page.count("66项任务：") >= 1
        board, _, beside = page.partition('class="beside"')
        assert f'data-of="{TASK}"' not in board
        assert f'data-of="{TASK}"' in beside.partition("</ol>")[0]


FILTERS: dict[str, dict[str, Any]] = {
    "已逾期": {"scheduleStatus": "overdue"},
    "逾期后完成": {"scheduleStatus": "completed_late"},
    "谁没有报送": {"silentIn": "2023-Q3"},
    "one unit's silence": {"silentIn": "2023-Q2", "unit": "shi-fa-zhan-gai-ge-wei"},
    "by role": {"role": "support"},
    "a role of one unit": {"role": "lead", "unit": "shi-ke-wei"},
    "a part": {"part": "3"},
    "a measure": {"measure": "6"},
    "a number": {"number": "21"},
    "a platform": {"platform": "yi-wang-tong-ban"},
    "without evidence": {"evidenceStatus": "none"},
    "a district": {"district": "310105"},
    "not withdrawn": {"withdrawn": "false"},
    "withdrawn": {"withdrawn": "true"},
    "without a lead": {"hasLead": "false"},
    "led in a part": {"hasLead": "true", "part": "3"},
    "words": {"q": "信用 服务"},
    "by deadline": {"sort": "due"},
    "the last deadline first": {"sort": "-due", "reportedStatus": "completed"},
    "the last first": {"sort": "-number", "part": "2"},
}


@pytest.mark.parametrize("name", FILTERS)
async def test_every_filter_of_the_list_of_tasks_is_one_of_the_page(told: Site, name: str) -> None:
    given = FILTERS[name]
    page = (await told.http.get(f"/plans/{PLAN.rpartition('/')[2]}", params=given)).text
    listed = [one["id"] for one in (await told.get(f"{PLAN}/tasks.json", **given))["items"]]
    shown = re.findall('data-task="([^"]*)"', page)
    assert shown == listed if "sort" in given else sorted(shown) == sorted(listed)  # else they stand by measures
    said = field(page, "fitting").partition("显示")[0]
    assert (f"{len(listed)}项" in said) if listed else said.startswith("没有")


async def test_a_filter_that_names_what_is_not_there_says_so_on_a_page(told: Site) -> None:
    path = f"/plans/{PLAN.rpartition('/')[2]}"
    assert (await told.http.get(path, params={"unit": "none"})).status_code == 404
    wrong = {"silentIn": "spring", "role": "boss", "part": "x", "withdrawn": "yes", "sort": "up", "scheduleStatus": "x"}
    for name, value in wrong.items():
        page = await told.http.get(path, params={name: value})
        assert (page.status_code, page.headers["Content-Type"]) == (400, "text/html; charset=utf-8"), name
        assert name in page.text
