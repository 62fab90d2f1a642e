"""Each number that a chart shows is REST's at the same moment: 50 random ones, read from the marks and their text."""

import random
from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from html.parser import HTMLParser
from typing import Any, NamedTuple

import pytest

from domain.values import period_days, shanghai_day
from projections.views.tasks import ReportedStatus
from tests.conftest import PLAN, Site

FIRST, LAST = date(2023, 3, 20), date(2023, 12, 31)
MOMENTS = 50
PLAN_ID = PLAN.rpartition("/")[2]


class Mark(NamedTuple):
    """A mark of a chart: of what it is, which number of it, how much, and what is to be read on it."""

    of: str
    key: str
    value: str | None
    text: str
    overdue: bool


class Marks(HTMLParser):
    """The marks of a page, and the numbers of the tables that stand beside its charts."""

    VOID = frozenset({"meta", "link", "input", "br", "img", "hr"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[Mark] = []
        self.tables: list[list[list[str]]] = []
        self._open: list[tuple[dict[str, str | None], list[str]]] = []
        self._cells: list[str] | None = None
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.VOID:
            self._open.append((dict(attrs), []))
        if tag == "details" and ("class", "numbers") in attrs:
            self.tables.append([])
        if tag == "tr" and self.tables:
            self._cells = []

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "rect":
            self._mark(dict(attrs), "")

    def handle_endtag(self, tag: str) -> None:
        if tag in self.VOID:
            return
        own, text = self._open.pop()
        words = "".join(text).strip()
        if self._open:
            self._open[-1][1].append("".join(text))
        self._mark(own, words)
        if tag == "td" and self._cells is not None:
            self._cells.append(words)
        if tag == "tr" and self._cells:
            self.tables[-1].append(self._cells)
            self._cells = None

    def handle_data(self, data: str) -> None:
        if self._open:
            self._open[-1][1].append(data)

    def _mark(self, own: Mapping[str, str | None], text: str) -> None:
        if "data-key" in own:
            mark = Mark(own["data-of"] or "", own["data-key"] or "", own.get("data-value"), text, "data-overdue" in own)
            self.found.append(mark)

    def of(self, whose: str) -> dict[str, int]:
        """The numbers of one thing, each of which can be read on its mark."""
        found: dict[str, int] = {}
        for one in self.found:
            if one.of == whose and one.value is not None:
                assert one.text.endswith(one.value), one
                found[one.key] = int(one.value)
        return found

    def every(self, beginning: str) -> list[str]:
        """Of what there are numbers, by how its name begins."""
        return sorted({one.of for one in self.found if one.of.startswith(beginning)})


def moments() -> list[dict[str, str]]:
    """Both clocks by chance."""
    chance = random.Random(15)  # noqa: S311 - the same moments each time

    def day() -> str:
        return str(FIRST + timedelta(days=chance.randrange((LAST - FIRST).days + 1)))

    asked = [{"asOf": day(), "effectiveOn": day()} for _ in range(MOMENTS)]
    return [{name: one[name] for name in one if chance.random() < 0.7} for one in asked]


def some(counts: Mapping[str, int]) -> dict[str, int]:
    """The counts that a bar has a mark for."""
    return {name: count for name, count in counts.items() if count}


async def test_the_charts_of_the_first_page_and_of_a_plan_show_what_rest_counts(told: Site) -> None:
    shown = 0
    for moment in moments():
        answer = await told.http.get(PLAN, params=moment)
        home = await told.http.get("/", params=moment)
        if answer.status_code == 200:
            body = answer.json()
            await the_first_page(told, moment, body, Marks(home.text))
            await the_plan(told, moment, body)
            shown += 1
        elif home.status_code == 200:
            assert Marks(home.text).found == []
    assert shown > MOMENTS // 2


async def the_first_page(told: Site, moment: dict[str, str], body: Any, marks: Marks) -> None:
    counts = body["taskCounts"]
    figures = marks.of(PLAN_ID)
    assert counts["reportedStatus"] == {one: figures.get(one, 0) for one in ReportedStatus}
    # Of the quarter in which the plan came nobody is called silent.
    asked = period_days(counts["silentIn"]["period"])[0] >= date.fromisoformat(body["issuedOn"])
    assert (figures["overdue"], figures["completed_late"], figures.get("silent"), figures["none"]) == (
        counts["scheduleStatus"]["overdue"],
        counts["scheduleStatus"]["completed_late"],
        counts["silentIn"]["tasks"] if asked else None,
        counts["evidenceStatus"]["none"],
    )
    await the_board(told, moment, body, marks)
    months = marks.every(f"{PLAN_ID}@")
    ends = [one.partition("@")[2] for one in months]
    on = date.fromisoformat(body["meta"]["effectiveOn"])
    year = [date(2023 + month // 12, month % 12 + 1, 1) - timedelta(days=1) for month in range(3, 13)]
    assert ends == [str(one) for one in year if one <= on]
    if ends:
        clock = {name: value for name, value in moment.items() if name == "asOf"}
        summary = (await told.get(f"{PLAN}/summary", **clock, effectiveOn=",".join(ends)))["days"]
        assert [some(one["taskCounts"]["reportedStatus"]) for one in summary] == [marks.of(one) for one in months]
        rows = [list(map(int, row)) for row in marks.tables[1]]
        assert [sum(row) for row in rows] == [sum(marks.of(one).values()) for one in months]


async def the_plan(told: Site, moment: dict[str, str], body: Any) -> None:
    marks = Marks((await told.http.get(f"/plans/{PLAN_ID}", params=moment)).text)
    await the_board(told, moment, body, marks)
    for measure in (await told.get(f"{PLAN}/measures", **moment))["items"]:
        counts = measure["taskCounts"]["reportedStatus"]
        assert marks.of(f"{PLAN_ID}/measures/{measure['number']}") == some(counts)


async def the_board(told: Site, moment: dict[str, str], body: Any, marks: Marks) -> None:
    parts = (await told.get(f"{PLAN}/parts", **moment))["items"]
    counted = [one["taskCounts"]["reportedStatus"] for one in parts]
    assert [marks.of(f"{PLAN_ID}/parts/{one['number']}") for one in parts] == list(map(some, counted))
    order = ("completed", "in_progress", "delayed", "blocked", "not_started", "not_reported")
    assert [list(map(int, row)) for row in marks.tables[0]] == [[counts[one] for one in order] for counts in counted]
    tasks = (await told.get(f"{PLAN}/tasks.json", **moment))["items"]
    cells = {one.of: (one.key, one.overdue) for one in marks.found if one.value is None}
    assert cells == {one["id"]: (one["reportedStatus"], one["scheduleStatus"] == "overdue") for one in tasks}
    assert len(tasks) == body["counts"]["tasks"]


@pytest.mark.parametrize("on", ["2023-07-15", "2023-10-31", "2023-12-31", "2024-02-01"])
async def test_the_days_late_and_the_grid_of_who_was_silent_are_those_of_the_lists(told: Site, on: str) -> None:
    tasks = {one["id"]: one for one in (await told.get(f"{PLAN}/tasks.json", effectiveOn=on))["items"]}
    shown = Marks((await told.http.get("/overdue", params={"effectiveOn": on})).text).found
    days = {
        one["id"]: (date.fromisoformat(one["completedOn"] or on) - date.fromisoformat(one["due"])).days
        for one in tasks.values()
        if one["scheduleStatus"] in {"overdue", "completed_late"}
    }
    assert {one.of: int(one.value or 0) for one in shown} == days
    grid = Marks((await told.http.get("/silent", params={"effectiveOn": on})).text).found
    assert grid
    for one in grid[:: max(len(grid) // 12, 1)]:
        found = await told.get(f"{PLAN}/tasks.json", effectiveOn=on, unit=one.of, silentIn=one.key)
        assert (one.value, one.text) == (str(len(found["items"])), one.value)
    counts = (await told.get(PLAN, effectiveOn=on))["taskCounts"]["silentIn"]
    assert len({one.of for one in grid if one.key == counts["period"]}) == len(counts["units"])


async def test_corrections_are_counted_in_the_month_in_which_they_were_recorded(told: Site) -> None:
    seen = 0
    for moment in moments():
        page = await told.http.get("/corrections", params=moment)
        if page.status_code != 200:
            continue
        marks = Marks(page.text)
        of_month = {one.key: int(one.value or "") for one in marks.found if one.of == "corrections"}
        body = (await told.http.get("/v1/events", params={**moment, "corrections": "true", "limit": "200"})).json()
        head = (await told.http.get("/v1/plans", params=moment)).json()["meta"]["asOf"]
        recorded = Counter(month_of(one["recordedAt"]) for one in body["items"])
        assert body["next"] is None
        assert {month: count for month, count in of_month.items() if count} == recorded
        if not recorded:
            continue
        assert (len(of_month), max(of_month)) == (12, month_of(head))
        assert [cells[-1] for cells in marks.tables[0]] == [str(one) for one in of_month.values()]
        seen += sum(recorded.values())
    assert seen > MOMENTS // 2


def month_of(instant: str) -> str:
    """The month in Shanghai."""
    return shanghai_day(datetime.fromisoformat(instant)).isoformat()[:7]
