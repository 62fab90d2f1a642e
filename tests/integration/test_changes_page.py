"""What differs between two days: the page draws each item and each field that `/v1/diff` tells, and no other."""

import re
from datetime import date
from html import unescape
from html.parser import HTMLParser
from typing import Any, cast

import pytest

from api.pages.changes import presets
from api.pages.differences import Trait, traits
from api.services.phrases import Lang, catalogue, day_text, period_text
from projections.views.diff import Changed, Outcome
from projections.views.history import Change
from projections.views.subjects import Kind
from tests.conftest import PLAN, Site
from tests.marks import marks, of

VOID = {"meta", "link", "input", "br"}
SPANS = [
    ("2023-06-30", "2023-09-30"),
    ("2023-05-31", "2023-06-01"),
    ("2023-01-01", "2023-05-01"),
    ("2023-09-30", "2023-06-30"),
    ("2023-12-31", "2023-03-27"),
    ("2023-07-01", "2023-12-31"),
]
WORDS = {
    "reportedStatus": "status",
    "status": "status",
    "scheduleStatus": "schedule",
    "evidenceStatus": "evidence",
    "kind": "kind",
    "membership": "membership",
}
DAYS = {"due", "completedOn", "effectiveOn", "issuedOn"}


class Drawn(HTMLParser):
    """What a page draws of each change: its fields in their order, each with its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self._open: list[tuple[str | None, str | None]] = []
        self.fields: dict[str, dict[str, str]] = {}
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        change = given.get("data-change")
        if change:
            assert change not in self.fields, f"{change} is drawn twice"
            self.fields[change] = {}
        if tag not in VOID:
            self._open.append((change, given.get("data-key") if "data-of" not in given else None))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Has nothing in it."""

    def handle_endtag(self, tag: str) -> None:
        assert tag not in VOID
        self._open.pop()

    def handle_data(self, data: str) -> None:
        change = next((one for one, _ in reversed(self._open) if one), None)
        key = next((one for _, one in reversed(self._open) if one), None)
        if change and key:
            own = self.fields[change]
            own[key] = own.get(key, "") + data


def told_of(field: str, value: Any) -> list[str]:
    """What has to be read of a value, if nothing else."""
    match value:
        case None:
            return []
        case bool():
            return [catalogue()["yes" if value else "no"]["zh"]]
        case list():
            return [word for one in cast("list[Any]", value) for word in told_of(field, one)]
        case dict():
            return parts_of(cast("dict[str, Any]", value))
        case _ if field in WORDS:
            return [catalogue()[f"{WORDS[field]}.{value}"]["zh"]]
        case _ if field in DAYS:
            return [day_text(Lang.ZH, date.fromisoformat(value))]
        case _ if field == "period":
            return [period_text(Lang.ZH, value)]
        case _ if field in {"unit", "plan", "district", "task"}:
            return []  # by name, which the difference does not tell
        case _:
            return [str(value)]


def parts_of(value: dict[str, Any]) -> list[str]:
    """What has to be read of a value that has parts: its name, or these."""
    if "name" in value:
        return [value["name"]]
    wanted = ("literal", "period", "url", "_sd", "count", "number", "parts", "value", "line")
    said = {name: value[name] for name in wanted if value.get(name)}
    return [period_text(Lang.ZH, one) if name == "period" else str(one) for name, one in said.items()]


def differing(field: str, before: Any, after: Any) -> list[str]:
    """Of lists what differs, else both."""
    if isinstance(before, list) and isinstance(after, list):
        then, now = cast("list[Any]", before), cast("list[Any]", after)
        gone, come = [one for one in then if one not in now], [one for one in now if one not in then]
        return told_of(field, gone or before) + told_of(field, come or after) if gone or come else []
    return told_of(field, before) + told_of(field, after)


async def both(told: Site, from_: str, to: str, **more: str) -> tuple[str, list[Any]]:
    page = await told.http.get("/changes", params={"from": from_, "to": to, **more})
    assert page.status_code == 200
    (position,) = re.findall(r"position=(\d+)", page.text.partition('rel="canonical"')[2] or page.text)[:1]
    span = {"from": position, "fromEffectiveOn": from_, "to": position, "toEffectiveOn": to}
    return page.text, (await told.get("/v1/diff.json", **span, **more))["items"]


@pytest.mark.parametrize("span", SPANS, ids=str)
async def test_every_field_of_a_difference_is_drawn_and_no_other(told: Site, span: tuple[str, str]) -> None:
    html, items = await both(told, *span)
    drawn = Drawn(html.partition("<main")[2].partition("</main>")[0]).fields
    assert drawn.keys() == {f"{one['kind']} {one['id']}" for one in items}
    for one in items:
        shown = drawn[f"{one['kind']} {one['id']}"]
        assert shown.keys() == {change["field"] for change in one["changes"]}, one["id"]
        for change in one["changes"]:
            text = " ".join(shown[change["field"]].split())
            assert text, (one["id"], change)
            for word in differing(change["field"], change["before"], change["after"]):
                assert " ".join(word.split()) in text, (one["id"], change["field"], word)
    assert len(items) > 0
    assert "有改动" not in html


@pytest.mark.parametrize("span", SPANS, ids=str)
async def test_the_numbers_of_the_groups_are_those_of_the_tasks_that_changed_so(
    told: Site, span: tuple[str, str]
) -> None:
    html, items = await both(told, *span)
    order = ["not_reported", "not_started", "blocked", "delayed", "in_progress", "completed"]
    expected: dict[str, int] = {}

    def one_more(name: str) -> None:
        expected[name] = expected.get(name, 0) + 1

    for one in items:
        fields = {change["field"]: change for change in one["changes"]}
        if one["kind"] == "task" and one["change"] == "changed":
            if status := fields.get("reportedStatus"):
                ahead = order.index(status["after"]) > order.index(status["before"])
                one_more("completed" if status["after"] == "completed" else "better" if ahead else "worse")
            if fields.get("scheduleStatus", {}).get("after") == "overdue":
                one_more("overdue")
            if "text" in fields:
                one_more("reworded")
    shown = {key: int(value) for (whose, key), value in marks(html).items() if whose == "changes"}
    for name in ("completed", "better", "worse", "overdue", "reworded"):
        assert shown.get(name, 0) == expected.get(name, 0), name
    said = answer(html)
    assert len(said) <= 60
    for name in ("worse", "overdue"):
        assert catalogue()[f"turned.{name}"]["zh"].format(count=expected.get(name, 0)) in said


async def test_both_bars_show_what_the_summary_counts_on_each_day(told: Site) -> None:
    for from_, to in SPANS:
        html, _ = await both(told, from_, to)
        position = re.findall(r"position=(\d+)", html)[0]
        days = {"position": position, "effectiveOn": f"{from_},{to}"}
        summary = await told.get(f"{PLAN}/summary", **days)
        for whose, one in zip(("before", "after"), summary["days"], strict=True):
            counts: dict[str, int] = one["taskCounts"]["reportedStatus"] if one["taskCounts"] else {}
            assert of(marks(html), whose) == {name: str(count) for name, count in counts.items() if count}


def answer(html: str) -> str:
    (said,) = re.findall(r'data-field="answer">(.*?)</p>', html)
    return unescape(said)


async def test_where_nothing_changed_the_page_says_so(told: Site) -> None:
    html, items = await both(told, "2023-05-31", "2023-05-31")
    assert items == []
    assert answer(html) == "这两天之间没有变化。"
    assert "data-change" not in html


async def test_where_no_task_changed_the_page_says_how_much_else_did(site: Site) -> None:
    await site.clock("2023-10-12T09:00:00+08:00")
    await site.record({"type": "unit.register", "unit": "new", "name": "新单位", "reason": "新设"})
    await site.clock("2023-10-20T09:00:00+08:00")
    await site.record({"type": "unit.rename", "unit": "new", "name": "又一单位", "reason": "更名"})
    html, items = await both(site, "2023-10-19", "2023-10-20")
    assert [(one["kind"], one["id"]) for one in items] == [("unit", "new")]
    assert answer(html) == "任务没有变化，另有1处其他变化。"
    assert re.search(r"<del>(<bdi>)?新单位(</bdi>)?</del> <ins>(<bdi>)?又一单位(</bdi>)?</ins>", html)


async def test_a_status_that_came_is_drawn_in_its_own_colour(told: Site) -> None:
    html, _ = await both(told, "2023-06-30", "2023-09-30")
    assert '<span class="badge overdue">' in html
    assert not re.search(r"<ins>\s*<span", html)
    assert not re.search(r"<del>\s*<span", html)


async def test_of_one_plan_only_what_has_to_do_with_it_is_drawn(told: Site) -> None:
    html, items = await both(told, "2023-07-01", "2023-09-15", plan="shanghai-credit-2023")
    assert len(Drawn(html.partition("<main")[2].partition("</main>")[0]).fields) == len(items) > 0
    for preset in re.findall(r'<p class="presets">(.*?)</p>', html):
        assert preset.count("plan=shanghai-credit-2023") == 3


def test_one_change_may_mean_several_things() -> None:
    def change(**fields: tuple[str, str]) -> Changed:
        return Changed(Kind.TASK, "p/1", Outcome.CHANGED, tuple(Change(name, *both) for name, both in fields.items()))

    late = change(reportedStatus=("delayed", "in_progress"), scheduleStatus=("due_soon", "overdue"), text=("a", "b"))
    assert traits(late) == [Trait.BETTER, Trait.OVERDUE, Trait.REWORDED]
    assert traits(change(reportedStatus=("completed", "blocked"))) == [Trait.WORSE]
    assert traits(change(scheduleStatus=("overdue", "completed_late"))) == [Trait.OTHER]
    assert traits(Changed(Kind.TASK, "p/1", Outcome.ADDED, (Change("text", None, "a"),))) == [Trait.LISTED]


def test_the_stretches_end_with_their_last_days() -> None:
    def days(text: str) -> list[tuple[str, str, str]]:
        return [(name, str(first), str(last)) for name, first, last in presets(date.fromisoformat(text), [])]

    assert days("2023-12-31") == [
        ("quarter", "2023-09-30", "2023-12-31"),
        ("last", "2023-06-30", "2023-09-30"),
        ("year", "2022-12-31", "2023-12-31"),
    ]
    assert days("2024-01-01")[:2] == [("quarter", "2023-12-31", "2024-01-01"), ("last", "2023-09-30", "2023-12-31")]
    assert days("1900-01-01")[1] == ("last", "1900-01-01", "1900-01-01")
