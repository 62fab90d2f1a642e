"""A fact is a page that says all of it; what was corrected stands beside its correction; nothing leads to raw JSON."""

import re
from collections.abc import AsyncGenerator
from datetime import date, datetime
from html import unescape
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import pytest

from api.main import service
from api.services.phrases import Lang, day_text, instant_words
from domain.commands import FACTS
from tests.conftest import REPORT, Site, database_of, serving, settings_for
from tests.integration.test_rest_events import followed
from tests.integration.test_task_page import field, visible

RAW = re.compile(r'href="/v1/events/\d+(?:[?"])')
PAGES = (
    *("/", "/plans/shanghai-credit-2023", "/plans/shanghai-credit-2023/tasks/1", "/plans/shanghai-credit-2023/tasks/4"),
    *("/units", "/units/shi-ke-wei", "/units/shang-hai-yin-bao-jian-ju", "/districts", "/districts/310115"),
    *("/changes?from=2023-05-31&to=2023-07-10", "/corrections", "/events/360", "/events/481", "/events/362", "/proof"),
)


def main_of(page: str) -> str:
    """What a page says, without its head and foot."""
    return page[page.index("<main") : page.index("</main>")]


@pytest.mark.parametrize("path", PAGES)
async def test_no_running_text_leads_to_raw_json(told: Site, path: str) -> None:
    page = (await told.http.get(path)).text
    assert not RAW.findall(main_of(page))


async def test_a_fact_of_each_type_is_told_with_every_one_of_its_fields(told: Site) -> None:
    whole = await followed(told)
    some = {one["type"]: one["position"] for one in whole}
    assert set(some) >= {"task.reworded.v1", "progress.reported.v1", "task.unit_released.v1", "unit.succeeded.v2"}
    assert some.keys() <= FACTS.keys()
    for position in some.values():
        fact = await told.get(f"/v1/events/{position}")
        page = (await told.http.get(f"/events/{position}")).text
        _told(fact, main_of(page))


def _told(fact: Any, page: str) -> None:
    shown = visible(page)
    recorded = dict(re.findall(r'data-recorded="([^"]+)"><dt>.*?</dt><dd>(.*?)</dd>', page, re.DOTALL))
    texts = {one["digest"]: one["value"] for one in fact["disclosures"]}
    assert recorded.keys() == {name for name, value in fact["data"].items() if value is not None}
    for name, value in ((name, value) for name, value in fact["data"].items() if value is not None):
        for word in _words(value, texts):
            assert re.sub(r"\s+", " ", word).strip() in visible(recorded[name]), (fact["position"], name)
    assert fact["cause"]["request"] in shown
    for name, value in (
        ("actor", fact["actor"]),
        ("reason", fact["cause"]["reason"] or "未说明理由"),
        ("authority", fact["cause"]["authority"] or "未引用依据"),
        ("recorded", instant_words(Lang.ZH, datetime.fromisoformat(fact["recordedAt"]))),
        ("effective", day_text(Lang.ZH, date.fromisoformat(fact["effectiveOn"]))),
        ("command", fact["cause"]["command"]),
    ):
        assert field(page, name, "dd") == value
    assert field(page, "leaf", "code") == fact["leafHash"]
    assert fact["stream"] in field(page, "stream", "dd")
    assert fact["type"] in field(page, "stream", "dd")
    for text in texts.values():
        assert text in shown
    for address in (f"/v1/events/{fact['position']}/leaf", f"/v1/events/{fact['position']}/proof", "/proof"):
        assert f'href="{address}"' in page


def _words(value: Any, texts: dict[str, str]) -> list[str]:
    """All words of a value; those of a text that stands beside the fact."""
    match value:
        case {"_sd": digest}:
            return [texts[digest]]
        case dict():
            inner = cast("dict[str, Any]", value).values()
            return [word for one in inner if one is not None for word in _words(one, texts)]
        case list():
            return [word for one in cast("list[Any]", value) for word in _words(one, texts)]
        case bool():
            return ["是" if value else "否"]
        case _:
            return [str(value)]


async def test_what_undid_a_fact_and_what_it_undid_lead_to_each_other(told: Site) -> None:
    undoing = await followed(told, corrections=True)
    assert undoing
    for one in undoing:
        old = one["replaces"] or one["data"]["target"]
        page = main_of((await told.http.get(f"/events/{one['position']}")).text)
        (link,) = re.findall(r'data-field="undoes"><a href="([^"]+)"', page)
        assert link == f"/events/{old}"
        corrected = main_of((await told.http.get(f"/events/{old}")).text)
        assert re.findall(r'data-field="undone"><a href="([^"]+)"', corrected) == [f"/events/{one['position']}"]
        assert one["cause"]["reason"] in visible(corrected)
        before = main_of((await told.http.get(f"/events/{old}", params={"position": one["position"] - 1})).text)
        assert "未被更正或撤回" in visible(before)


async def test_a_fact_shows_what_was_before_it_and_what_after(told: Site) -> None:
    page = main_of((await told.http.get("/events/360")).text)
    assert re.findall("<ins>(.*?)</ins>", field_markup(page, "wording")) == ["<bdi>,并形成可复制的经验</bdi>"]
    corrected = main_of((await told.http.get("/events/481")).text)
    table = corrected[corrected.index('id="changes"') : corrected.index('id="fields"')]
    assert visible(re.findall("<del>(.*?)</del>", table)[0]) == "2023年第二季度（已完成）"
    assert "2023年第二季度" in visible(re.findall("<ins>(.*?)</ins>", table)[0])


def field_markup(page: str, name: str) -> str:
    """The markup of a field."""
    (found,) = re.findall(rf'data-field="{name}"[^>]*>(.*?)</p>', page, re.DOTALL)
    return found


async def test_facts_lead_to_those_beside_them_at_the_same_moment(told: Site) -> None:
    page = (await told.http.get("/events/300", params={"position": "300", "effectiveOn": "2023-06-30"})).text
    assert 'rel="prev" href="/events/299?position=300&amp;effectiveOn=2023-06-30"' in page
    assert 'rel="next"' not in page
    first = (await told.http.get("/events/1")).text
    assert 'rel="prev"' not in first
    assert 'rel="next" href="/events/2"' in first
    assert 'href="/v1/events/1?position=' in first  # the same for a program, in the foot


async def test_a_position_beyond_the_head_is_a_page_that_leads_to_the_last_fact(told: Site) -> None:
    head = (await told.get("/v1/events/1"))["meta"]["position"]
    for position in (head + 1, 10**12, 10**30):
        answer = await told.http.get(f"/events/{position}")
        assert answer.status_code == 404
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        assert f'href="/events/{head}"' in answer.text
        assert f"记录共有{head}条" in visible(answer.text)
    then = await told.http.get("/events/400", params={"position": "300"})
    assert then.status_code == 404
    assert 'href="/events/400"' in then.text
    assert (await told.http.get("/events/400")).status_code == 200
    for address in ("/events/x", "/events/01", "/events"):
        assert (await told.http.get(address)).headers["Content-Type"] == "text/html; charset=utf-8"


async def test_a_page_of_erasable_text_is_kept_by_nobody(real: Site) -> None:
    pinned = {"position": "300", "effectiveOn": "2023-06-30"}
    for path in ("/events/134", "/corrections"):
        assert (await real.http.get(path, params=pinned)).headers["Cache-Control"] == "no-cache"


async def test_where_nothing_was_corrected_the_page_says_since_when(shared: Site) -> None:
    page = main_of((await shared.http.get("/corrections")).text)
    assert field(page, "says", "p") == "自2023年4月3日记录开始以来，没有更正或撤回。"
    assert "data-correction" not in page


async def test_corrections_are_those_of_the_events_list_old_and_new_side_by_side(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_module("api.pages.corrections"), "_AT_ONCE", 2)
    await site.clock("2023-05-10T09:00:00+08:00")
    first = (await site.record(REPORT))["position"]
    last = first
    for day, status in (("2023-05-12", "delayed"), ("2023-05-20", "blocked")):
        await site.clock(f"{day}T09:00:00+08:00")
        again = {
            **REPORT,
            "status": status,
            "narrative": f"{status}的说明",
            "replaces": last,
            "reason": f"改为{status}",
        }
        last = (await site.record(again))["position"]
    void = (await site.record({"type": "fact.void", "target": last, "reason": "撤回报送"}))["position"]
    expected = [one["position"] for one in await followed(site, corrections=True)]
    assert expected == [first + 1, last, void]
    shown, address = list[tuple[str, str, str]](), "/corrections"
    while address:
        page = main_of((await site.http.get(address)).text)
        shown += re.findall(r'<li data-correction="(\d+)" data-of="(\d+)">(.*?)</li>', page, re.DOTALL)
        assert "共有3次更正与撤回" in field(page, "says", "p")
        address = next((unescape(one) for one in re.findall(r'rel="next" href="([^"]+)"', page)), "")
    assert [int(one) for one, _, _ in shown] == expected[::-1]
    assert [int(one) for _, one, _ in shown] == [last, first + 1, first]
    days = [re.findall(r'data-field="days" data-value="(\d+)"', one)[0] for _, _, one in shown]
    assert days == ["0", "8", "2"]
    voided, again, once = (visible(one) for _, _, one in shown)
    assert "撤回报送" in voided
    assert "blocked的说明" in voided
    assert "delayed的说明" in again
    assert "blocked的说明" in again
    assert "进展" in once


OFFICE = "shi-fa-zhan-gai-ge-wei"


@pytest.fixture
async def bureau(server: str, folder: Path) -> AsyncGenerator[Site]:
    """The imported record in the hands of an office that is a unit of it, which the office that imported it is not."""
    async with (
        database_of(server, "imported") as dsn,
        service(settings_for(dsn, folder, office=OFFICE)) as running,
        serving(running) as site,
    ):
        yield site


async def test_a_fact_is_told_by_the_name_of_the_unit_that_recorded_it(bureau: Site) -> None:
    await bureau.clock("2023-05-10T09:00:00+08:00")
    position = (await bureau.record(REPORT))["position"]
    page = main_of((await bureau.http.get(f"/events/{position}")).text)
    assert field(page, "says", "p").startswith("市发展改革委于2023年5月10日 09:00记录")
    assert field(page, "actor", "dd") == f"市发展改革委 {OFFICE}"
    assert re.findall(r'data-field="actor">.*?<small><code>(.*?)</code></small>', page) == [OFFICE]
    english = main_of((await bureau.http.get(f"/events/{position}", params={"lang": "en"})).text)
    assert field(english, "says", "p").startswith("Recorded by 市发展改革委 on ")
    first = main_of((await bureau.http.get("/events/1")).text)
    assert field(first, "says", "p").startswith("shanghai-credit-office于")


async def test_what_several_offices_recorded_says_in_each_line_who_did(bureau: Site) -> None:
    await bureau.clock("2023-05-10T09:00:00+08:00")
    last = (await bureau.record(REPORT))["position"]
    await bureau.record({**REPORT, "status": "delayed", "replaces": last, "reason": "更正"})
    page = main_of((await bureau.http.get(f"/plans/{REPORT['task'].replace('/', '/tasks/')}")).text)
    history = visible(page[page.index('id="history"') : page.index('id="rest"')])
    assert history.count("市发展改革委记录于2023年5月10日 09:00") == 2
    assert history.count("shanghai-credit-office记录于2023年4月3日 09:00") == 1


async def test_what_one_office_recorded_says_so_once(bureau: Site) -> None:
    await bureau.clock("2023-05-10T09:00:00+08:00")
    last = (await bureau.record(REPORT))["position"]
    await bureau.record({**REPORT, "status": "delayed", "replaces": last, "reason": "更正"})
    page = main_of((await bureau.http.get("/corrections")).text)
    assert field(page, "recorder", "p") == "以下各条均由市发展改革委记录。"
    assert visible(page).count("市发展改革委") == 1
