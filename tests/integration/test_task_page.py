"""A task's page says first how it stands, and draws what REST answers at the same moment, no more and no less."""

import random
import re
from collections.abc import Iterator
from datetime import date, timedelta
from html import unescape
from typing import Any

import pytest

from domain.values import period_days
from tests.conftest import PLAN, Site
from tests.integration.test_rest_events import followed

PAGE, ID = "/plans/shanghai-credit-2023/tasks", "shanghai-credit-2023"
FIRST, LAST = date(2023, 4, 3), date(2023, 12, 31)
ISSUED = date(2023, 3, 28)  # the plan: of the quarter in which it came nobody is called silent
MOMENTS = 25
HEALTH = {"task": f"{ID}/21", "unit": "shi-wei-sheng-jian-kang-wei"}
# What only a list that is closed allows to say; and what nobody should read of a task that is withdrawn or nobody's.
OF_ALL = ("应报单位均", "应报告的单位", "家应报单位中")
TAG = re.compile(r"<[^>]+>")


def visible(html: str) -> str:
    """The words of some markup."""
    return re.sub(r"\s+", " ", unescape(TAG.sub("", html))).strip()


def field(page: str, name: str, tag: str = "[a-z]+") -> str:
    """The words of the one field of this name."""
    (found,) = re.findall(rf'<({tag})[^>]* data-field="{name}"[^>]*>(.*?)</\1>', page, re.DOTALL)
    return visible(found[1])


def marks(page: str, class_: str) -> Iterator[dict[str, str]]:
    """The data of each mark in the drawing of a class."""
    for drawing in re.findall(rf'<svg class="{class_}".*?</svg>\n(?!</a>)', page, re.DOTALL):
        for tag in re.findall(r"<[a-z]+ [^>]*data-of=[^>]*>", drawing):
            yield dict(re.findall(r'data-([a-z]+)(?:="([^"]*)")?', tag))


def moments(seed: int) -> Iterator[tuple[int, dict[str, str]]]:
    """Tasks and moments by chance."""
    chance = random.Random(seed)  # noqa: S311 - the same ones each time
    for _ in range(MOMENTS):
        days = (FIRST + timedelta(days=chance.randrange((LAST - FIRST).days + 1)) for _ in "12")
        recorded, on = sorted(map(str, days)) if chance.random() < 0.5 else [str(LAST), str(next(days))]
        yield chance.choice([1, 13, 21, 24, *range(2, 68)]), {"asOf": recorded, "effectiveOn": on}


def said_of(reports: list[Any], unit: str, quarter: str) -> tuple[str, int] | None:
    """What a unit said last of a quarter: the report that speaks for the latest day of those that speak of it."""
    first, last = period_days(quarter)
    found = list[tuple[date, int, str]]()
    for one in (one for one in reports if one["unit"]["id"] == unit):
        begun, ended = period_days(one["period"])
        speaks = min(ended, date.fromisoformat(one["effectiveOn"]))
        if begun <= last and speaks >= first:
            found.append((speaks, one["event"], one["status"]))
    if not found:
        return None
    _, event, status = max(found)
    return status, event


async def test_the_year_of_a_task_is_what_its_reports_say_and_who_rest_calls_silent(told: Site) -> None:
    drawn = silent = 0
    for number, clocks in moments(1):
        page = (await told.http.get(f"{PAGE}/{number}", params=clocks)).text
        shown = list(marks(page, "strip"))
        reports = (await told.get(f"{PLAN}/tasks/{number}/reports.json", **clocks))["items"]
        on, each = (
            date.fromisoformat(clocks["effectiveOn"]),
            [(f"2023-Q{n}", period_days(f"2023-Q{n}")) for n in "1234"],
        )
        since = min([ISSUED, *(period_days(one["period"])[0] for one in reports)])
        begun = [name for name, (first, last) in each if first <= on and (first >= since or last >= on)]
        cells = {(one["of"], one["key"]): one for one in shown}
        assert len(cells) == len(shown)
        units = {unit for unit, _ in cells} | {one["unit"]["id"] for one in reports}
        for unit in units:
            acts = not (await told.get(f"/v1/units/{unit}", **clocks))["successors"]
            for quarter in begun:
                cell, said = cells.pop((unit, quarter), None), said_of(reports, unit, quarter)
                if said:
                    assert cell is not None
                    assert (cell["value"], int(cell["event"])) == said
                    drawn += 1
                elif acts:
                    asked = await told.get(f"{PLAN}/tasks", number=number, silentIn=quarter, unit=unit, **clocks)
                    assert (cell is not None) == bool(asked["items"]), (number, clocks, unit, quarter)
                    assert cell is None or cell["value"] == "silent"
                    silent += cell is not None
        assert cells == {}
        if shown:
            said_, silent_ = re.findall(r"报送(\d+)次，应报未报(\d+)次", page)[0]
            hollow = sum(one["value"] == "silent" for one in shown)
            assert (int(said_), int(silent_)) == (len(shown) - hollow, hollow)
    assert drawn > MOMENTS
    assert silent > MOMENTS


async def test_a_corrected_report_is_marked_in_the_year(told: Site) -> None:
    for number, clocks in ((1, {}), (1, {"asOf": "2023-07-31"}), (21, {})):
        page = (await told.http.get(f"{PAGE}/{number}", params=clocks)).text
        for one in marks(page, "strip"):
            replaces = (await told.get(f"/v1/events/{one['event']}"))["replaces"] if "event" in one else None
            assert ("corrected" in one) == (replaces is not None)
        assert ("↺" in page) == (number == 1 and not clocks)


async def test_the_year_says_through_whom_a_task_comes_to_a_unit_and_who_acts_for_it_now(site: Site) -> None:
    await site.clock("2023-07-10T09:00:00+08:00")
    old, why = "shang-hai-yin-bao-jian-ju", {"reason": "机构改革"}
    said = {"type": "progress.report", "task": f"{ID}/32", "status": "in_progress", "narrative": "进展"}
    await site.record({**said, "unit": old, "period": "2023-Q1", "effectiveOn": "2023-04-10"})
    await site.record({"type": "unit.register", "unit": "xin-ju", "name": "新局", "kind": "body", **why})
    await site.record(
        {"type": "unit.succeed", "unit": old, "successors": ["xin-ju"], "effectiveOn": "2023-06-01", **why}
    )
    await site.record({**said, "unit": "xin-ju", "period": "2023-Q2", "effectiveOn": "2023-07-05"})
    page = (await site.http.get(f"{PAGE}/32")).text
    year = visible(page[page.index('id="year"') : page.index('id="reports"')])
    name = (await site.get(f"/v1/units/{old}"))["name"]
    assert f"{name}现由新局承接" in year
    assert f"新局承接{name}" in year
    cells = {(one["of"], one["key"]): one["value"] for one in marks(page, "strip")}
    assert (cells[old, "2023-Q1"], cells["xin-ju", "2023-Q2"]) == ("in_progress", "in_progress")
    assert "作为各区人民政府的成员" in visible((await site.http.get(f"{PAGE}/25")).text)


async def test_the_marks_on_both_clocks_are_the_facts_that_rest_knows_of_the_task(told: Site) -> None:
    for number, clocks in moments(2):
        page = (await told.http.get(f"{PAGE}/{number}", params=clocks)).text
        facts = {one["position"]: one for one in await followed(told, task=f"{ID}/{number}", **clocks)}
        seen = list[int]()
        for mark in marks(page, "clocks"):
            positions = [int(one) for one in mark["positions"].split()]
            assert len(positions) == int(mark["value"])
            for one in positions:
                assert facts[one]["effectiveOn"] == mark["of"]
                assert facts[one]["recordedAt"][:10] <= mark["key"]  # the day in Shanghai
            seen += positions
        assert sorted(seen) == sorted(facts)
        versions = await followed(told, f"{PLAN}/tasks/{number}/history", **clocks)
        assert {one["fact"]["position"] for one in versions} <= set(seen)
        assert f"共{len(facts)}条记录" in visible(page)
        undone = sum(one["undoneBy"] is not None for one in facts.values())
        assert f"{undone}条已被更正或撤回" in visible(page)


async def test_all_reports_stand_on_the_page_with_their_texts_the_newest_first(told: Site) -> None:
    for number, clocks in moments(3):
        page = (await told.http.get(f"{PAGE}/{number}", params=clocks)).text
        reports = {
            one["event"]: one for one in (await told.get(f"{PLAN}/tasks/{number}/reports.json", **clocks))["items"]
        }
        counted = {one["event"] for one in (await told.get(f"{PLAN}/tasks/{number}", **clocks))["latestReports"]}
        items = re.findall(r'<li data-field="(report|earlier)" data-event="(\d+)">(.*?)</li>', page, re.DOTALL)
        assert sorted(int(event) for _, event, _ in items) == sorted(reports)
        for kind, event, item in items:
            one = reports[int(event)]
            assert (kind == "report") == (one["event"] in counted)
            assert one["narrative"]["text"] in visible(item)
            assert one["unit"]["name"] in visible(item)
            assert all(unescape(each["url"]) in unescape(item) for each in one["evidence"])
        for kind in ("report", "earlier"):
            days = [reports[int(event)]["effectiveOn"] for own, event, _ in items if own == kind]
            assert days == sorted(days, reverse=True)


async def test_the_first_sentence_says_how_a_task_stands_in_sixty_characters(told: Site) -> None:
    for on in ("2023-05-31", "2023-07-31", "2023-10-15", "2023-12-31"):
        for task in (await told.get(f"{PLAN}/tasks", limit=200, effectiveOn=on))["items"]:
            for lang in ("zh", "en"):
                address = f"{PAGE}/{task['id'].rpartition('/')[2]}"
                page = (await told.http.get(address, params={"effectiveOn": on, "lang": lang})).text
                sentence = field(page, "stands", "p")
                assert len(sentence) <= 60, sentence
            page = (await told.http.get(address, params={"effectiveOn": on})).text
            _true_of(task, field(page, "stands", "p"), visible(page))


def _true_of(task: Any, sentence: str, page: str) -> None:
    """A sentence says nothing that its neighbours, or REST, deny."""
    count, of = task["answered"]["count"], task["answered"]["of"]
    if of is None:
        assert not any(one in page for one in OF_ALL), task["id"]
        assert "应报家数不定" in sentence
    elif count == of:
        assert "均已报送" in sentence or (of == 1 and "应报单位已报送" in sentence)
    else:
        assert f"{of}家应报单位中{count}家" in sentence or count == 0
    assert ("已逾期" in sentence) == (task["scheduleStatus"] == "overdue")
    assert ("未规定期限" in sentence) == (task["due"] is None)


async def test_since_when_a_task_stands_so_is_the_first_day_without_a_break(told: Site) -> None:
    compared = 0
    for number, clocks in moments(4):
        task = await told.get(f"{PLAN}/tasks/{number}", **clocks)
        page = (await told.http.get(f"{PAGE}/{number}", params=clocks)).text
        if task["reportedStatus"] == "not_reported":
            assert 'data-field="since"' not in page
            continue
        (since,) = re.findall(r'data-field="since">[^<]*<time datetime="([^"]+)"', page)
        if task["completedOn"]:
            assert since == task["completedOn"]
        on = date.fromisoformat(since)
        for day, same in ((on, True), (on - timedelta(days=1), False)):
            then = await told.get(f"{PLAN}/tasks/{number}", asOf=clocks["asOf"], effectiveOn=str(day))
            assert (then["reportedStatus"] == task["reportedStatus"]) == same
        compared += 1
    assert compared > 5


async def test_a_task_that_is_withdrawn_says_since_when_and_asks_nobody(site: Site) -> None:
    await site.clock("2023-05-10T09:00:00+08:00")
    why = {"task": f"{ID}/21", "reason": "调整", "effectiveOn": "2023-05-01"}
    withdrawal = await site.record({"type": "task.withdraw", **why})
    page = (await site.http.get(f"{PAGE}/21")).text
    assert field(page, "stands", "p") == "已撤销：自2023年5月1日起不再要求报送。"
    assert not any(one in visible(page) for one in OF_ALL)
    assert 'data-field="silent"' not in page
    assert f'<a class="origin" href="/events/{withdrawal["position"]}">' in page
    before = (await site.http.get(f"{PAGE}/21", params={"effectiveOn": "2023-04-30"})).text
    assert field(before, "stands", "p").endswith("3家应报单位均未报送；未规定期限。")


async def test_a_task_that_is_nobodys_says_so(site: Site) -> None:
    units = [one["assignee"]["id"] for one in (await site.get(f"{PLAN}/tasks/21"))["assignments"]]
    await site.record(
        *({"type": "task.release_unit", "task": f"{ID}/21", "unit": one, "reason": "调整"} for one in units)
    )
    page = (await site.http.get(f"{PAGE}/21")).text
    assert field(page, "stands", "p") == "当日没有责任单位，无须报送；未规定期限。"
    assert not any(one in visible(page) for one in OF_ALL)
    assert "当日没有责任单位。" in visible(page)


async def test_a_wording_is_marked_where_it_was_changed_and_nowhere_else(told: Site, site: Site) -> None:
    page = (await told.http.get(f"{PAGE}/4")).text
    (marked,) = re.findall(r'data-field="reworded">(.*?)</p>', page, re.DOTALL)
    assert re.findall("<ins>(.*?)</ins>", marked) == ["<bdi>,并形成可复制的经验</bdi>"]
    assert "<del>" not in marked
    assert visible(marked) == (await told.get(f"{PLAN}/tasks/4"))["text"]
    assert 'data-field="reworded"' not in (await told.http.get(f"{PAGE}/4", params={"effectiveOn": "2023-05-31"})).text
    long = [f"{head}{'一二三四五六七八九十' * 70}{tail}" for head, tail in (("甲", "乙"), ("丙", "丁"))]
    for text in long:
        await site.record(
            {
                "type": "task.reword",
                "task": f"{ID}/4",
                "text": text[:1] + text[1:][:: -1 if text == long[0] else 1],
                "reason": "改",
            }
        )
    page = (await site.http.get(f"{PAGE}/4")).text
    (marked,) = re.findall(r'data-field="reworded">(.*?)</p>', page, re.DOTALL)
    assert len(re.findall("<ins>", marked)) == 1  # too much to compare word by word is told as a whole
    assert "此前最近的1次修改" in visible(page)


async def test_each_unit_stands_under_its_role_in_the_documents_own_words(told: Site) -> None:
    for number in range(1, 68):
        task = await told.get(f"{PLAN}/tasks/{number}")
        page = (await told.http.get(f"{PAGE}/{number}")).text
        section = page[page.index('id="who"') : page.index('id="year"')]
        assert "参与" not in visible(section).replace("配合、会同或参与", "")
        lines = re.findall(r'<div><dt data-field="role">(.*?)</dt><dd>(.*?)</dd></div>', section, re.DOTALL)
        found = {visible(name) for line in lines for name in re.findall(r'data-field="assignee">(.*?)</span>', line[1])}
        assert found == {one["assignee"]["name"] for one in task["assignments"]}
        assert len(lines) == len({one["role"] for one in task["assignments"]})


async def test_each_field_links_the_fact_that_brought_it(told: Site) -> None:
    for number, texts in ((4, 2), (21, 1)):
        page = (await told.http.get(f"{PAGE}/{number}")).text
        task = await told.get(f"{PLAN}/tasks/{number}")
        facts = {one["position"]: one for one in await followed(told, task=f"{ID}/{number}")}
        wording = page[page.index('id="wording"') : page.index('id="who"')]
        brought = facts[int(re.findall(r'class="origin" href="/events/(\d+)"', wording)[0])]
        assert brought["data"]["text"] == task["text"]
        assert (brought["type"] == "task.reworded.v1") == (texts == 2)
        who = page[page.index('id="who"') : page.index('id="year"')]
        origins = [facts[int(one)]["data"]["unit"] for one in re.findall(r'class="origin" href="/events/(\d+)"', who)]
        assert sorted(origins) == sorted(one["assignee"]["id"] for one in task["assignments"])
        if task["due"]:
            state = page[page.index('data-field="due"') : page.index('data-field="evidence"')]
            (due,) = re.findall(r'class="origin" href="/events/(\d+)"', state)
            assert facts[int(due)]["data"]["due"] == task["due"]


async def test_an_import_is_one_entry_of_the_history(told: Site) -> None:
    page = (await told.http.get(f"{PAGE}/21")).text
    history = page[page.index('id="history"') : page.index('id="rest"')]
    imported = [one for one in await followed(told, stream=f"task:{ID}/21") if one["cause"]["command"] == "plan.import"]
    assert len(imported) > 2
    (entry,) = [
        one
        for one in re.findall("<li>\n<p class.*?</li>\n(?=<li>\n<p class|</ol>)", history, re.DOTALL)
        if "从文件导入" in one
    ]
    linked = [int(one) for one in re.findall(r'href="/events/(\d+)"', entry)]
    assert sorted(linked) == [one["position"] for one in imported]


async def test_a_long_history_goes_on_behind_a_link_and_nothing_is_told_twice(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.pages.tasks._ENTRIES", 4)
    for n in range(9):
        await site.record({"type": "task.reword", "task": f"{ID}/21", "text": f"文字{n}。", "reason": "改"})
    versions = await followed(site, f"{PLAN}/tasks/21/history")
    address, seen, pages = f"{PAGE}/21", list[int](), 0
    while address:
        page = (await site.http.get(address)).text
        history = page[page.index('id="history"') : page.index('id="rest"')]
        own = [int(one) for one in re.findall(r'href="/events/(\d+)"', history)]
        assert not set(own) & set(seen)
        seen += own
        pages += 1
        address = next((unescape(one) for one in re.findall(r'<a rel="next" href="([^"]*)#history"', history)), "")
    assert pages > 2
    assert set(seen) == {one["fact"]["position"] for one in versions}


async def test_a_task_of_two_hundred_units_names_all_and_draws_those_that_are_silent_most(site: Site) -> None:
    await site.clock("2023-10-10T09:00:00+08:00")
    units = [f"dan-wei-{n}" for n in range(200)]
    for some in (units[:100], units[100:]):
        await site.record(
            *(
                {"type": "unit.register", "unit": one, "name": f"第{one[8:]}单位", "kind": "body", "reason": "设立"}
                for one in some
            )
        )
        await site.record(
            *(
                {
                    "type": "task.assign_unit",
                    "task": f"{ID}/21",
                    "unit": one,
                    "role": "lead",
                    "literal": one,
                    "reason": "增",
                    "effectiveOn": "2023-04-01",
                }
                for one in some
            )
        )
    answer = await site.http.get(f"{PAGE}/21")
    page = answer.text
    assert len(answer.content) <= 170_000
    rows = {one["of"] for one in marks(page, "strip")}
    assert len(rows) == 40
    assert "这里列出其中40家" in page
    task = await site.get(f"{PLAN}/tasks/21")
    assert f"{task['answered']['of']}家应报单位均未报送" in field(page, "stands", "p")
    assert field(page, "silent", "dd").count("第") >= 200


async def test_what_a_task_came_without_is_no_change(told: Site) -> None:
    page = (await told.http.get(f"{PAGE}/21")).text
    history = visible(page[page.index('id="history"') : page.index('id="rest"')])
    assert "序号：21" in history
    assert "已撤销" not in history


async def test_the_history_of_a_task_names_who_reported_and_the_task_nowhere(told: Site) -> None:
    for lang, name in (("zh", "任务 21"), ("en", "Task 21")):
        page = (await told.http.get(f"{PAGE}/21", params={"lang": lang})).text
        history = page[page.index('id="history"') : page.index('id="rest"')]
        assert name not in visible(history)
        reporters = re.findall(r'<p class="act">.*?<a href="/units/([a-z-]+)[?"]', history)
        reports = [one for one in await followed(told, task=f"{ID}/21") if one["type"].startswith("progress.")]
        assert reporters == [one["stream"].rpartition("/")[2] for one in reversed(reports)]
