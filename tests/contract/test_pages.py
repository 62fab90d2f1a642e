"""Pages: every link stays at the moment and in the language asked for; every answer is safe, strict and cacheable."""

import re
import subprocess
import sys
from datetime import date, timedelta
from html import unescape
from importlib import import_module
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import msgspec
import pytest

from api.cli.screen import Screen
from api.graphql.moments import TABLE_OF
from api.http.asking import parameters_of
from api.pages.datasets import TAKEN_HOME
from api.pages.differences import Trait
from api.pages.drawing import WAYS
from api.pages.taken import NOT_SAID, NOTHING_DUE
from api.pages.units import Sorting
from api.services.phrases import Lang, catalogue, numeral
from api.services.problems import TITLES
from domain.commands import FACTS
from domain.directory import UnitKind
from domain.report import Listing
from domain.values import Role
from projections.views.diff import UNTOLD as DIFF_UNTOLD
from projections.views.diff import Outcome
from projections.views.history import camel
from projections.views.reports import EvidenceStatus, ReportRow
from projections.views.subjects import SUBJECTS, Kind
from projections.views.task_list import TaskFilter, TaskSort
from projections.views.tasks import ReportedStatus, ScheduleStatus
from tests.codes import problem_codes
from tests.conftest import Site, signed

ROOT = Path(__file__).parents[2]
PLAN = "/plans/shanghai-credit-2023"
PAGES = [
    "/",
    "/proof",
    "/data",
    "/about",
    PLAN,
    f"{PLAN}/tasks/21",
    "/units",
    "/units/shi-ke-wei",
    "/districts",
    "/districts/310115",
    "/changes",
    "/events/134",
    "/corrections",
    "/overdue",
    "/silent",
    "/search?q=21",
]
CHECKING = {"/proof", "/events/134"}  # the pages with a script, which checks what they say
# What pages take for themselves, and links to them set.
TAKEN = {PLAN: parameters_of(TaskFilter), "/changes": ("from", "to"), "/search": ("q",), "/units": ("sort",)}
LINK = re.compile(r'<a [^>]*href="([^"]*)"')
OURS = re.compile(r"/(plans|units|districts|changes|proof|data|about|events|corrections|search|overdue|silent)?(/.*)?$")
# What facts and states say that no history tells of: it stands on the page of its subject, or stays as it began.
UNTOLD = {
    *(
        "issuer",
        "documentNumber",
        "issuedOn",
        "document",
        "preamble",
        "heading",
        "unassigned",
        "line",
        "parts",
        "measures",
    ),
    *(
        "openEnded",
        "target",
        "value",
        "narrative",
        "measurement",
        "evidence",
        "membership",
        "district",
        "closed",
        "formerMembers",
    ),
}
FIELDS = {
    *(field.encode_name for fact in FACTS.values() for field in msgspec.structs.fields(fact)),
    *(camel(name) for one in SUBJECTS.values() for name in one.state.__struct_fields__),
    *("reportedStatus", "scheduleStatus"),  # of a task, in what changed
}
COMPARED = {
    field.encode_name
    for kind, one in SUBJECTS.items()
    for field in msgspec.structs.fields(ReportRow if kind is Kind.REPORT else one.view)
}
MEMBERS = {
    "download": TAKEN_HOME,
    "status": ReportedStatus,
    "explained": ReportedStatus,
    "schedule": ScheduleStatus,
    "evidence": EvidenceStatus,
    "role": Role,
    "kind": UnitKind,
    "outcome": [one for one in Outcome if one != Outcome.UNCHANGED],
    "changed": tuple(Kind),
    "field": FIELDS - UNTOLD,
    "fact": [tag.rpartition(".")[0] for tag in FACTS if not tag.startswith("content.")],
    "via": ["group", "succession"],
    "problem": ["400", "404", "500", "503"],
    "code": problem_codes(),
    "title": TITLES,
    "thing": ["stream", *TABLE_OF],
    "site": [name for name, _ in WAYS],
    "compared": COMPARED - DIFF_UNTOLD - {"taskCounts"} - (FIELDS - UNTOLD),
    "trait": Trait,
    "turned": Trait,
    "preset": ["quarter", "last", "year"],
    "membership": Listing,
    "quarter": [NOT_SAID, NOTHING_DUE],
    "sort": [*Sorting, *TaskSort],
    "sum": ReportedStatus,
    "span": ["quarter", "since", "year"],
    "search": ["tasks", "units", "districts", "plans"],
}


def links(html: str) -> list[str]:
    return [unescape(link) for link in LINK.findall(html)]


def pages_among(found: list[str]) -> list[str]:
    return [link for link in found if not link.startswith("#") and OURS.match(urlsplit(link).path)]


MONTHS = re.compile(r'<ol class="months">.*?</ol>', re.DOTALL)


@pytest.mark.parametrize("path", PAGES)
async def test_every_link_carries_what_was_asked_and_nothing_else(shared: Site, path: str) -> None:
    """But for what the page that it leads to takes itself, and the day of a month's end, which is of another day."""
    asked = {"asOf": ["2023-04-03"], "effectiveOn": ["2023-06-30"], "lang": ["en"]}
    page = await shared.http.get(
        path, params=httpx.URL(path).params.merge({name: one[0] for name, one in asked.items()})
    )
    assert page.status_code == 200
    own = httpx.URL(path).params.keys()
    found = pages_among(links(MONTHS.sub("", page.text)))
    for link in found:
        query = parse_qs(urlsplit(link).query)
        if "position" in query:  # the permanent link
            assert query.keys() - own == {"position", "effectiveOn", "lang"}
            continue
        carried = {name: query.pop(name) for name in asked if name in query}
        if carried != {"lang": ["en"]}:  # back to the newest
            assert carried in (asked, {**asked, "lang": ["zh"]}), link
        assert query.keys() <= own | {*TAKEN.get(urlsplit(link).path, ())}, link
    for link in pages_among(links("".join(MONTHS.findall(page.text)))):
        query = parse_qs(urlsplit(link).query)
        assert (date.fromisoformat(query.pop("effectiveOn")[0]) + timedelta(days=1)).day == 1
        assert query == {name: value for name, value in asked.items() if name != "effectiveOn"}
    assert len(found) >= 8


FEEDS = {
    "/": "/feeds/events.atom",
    "/proof": "/feeds/events.atom",
    "/changes": "/feeds/events.atom",
    "/changes?plan=shanghai-credit-2023": "/feeds/plans/shanghai-credit-2023.atom",
    PLAN: "/feeds/plans/shanghai-credit-2023.atom",
    f"{PLAN}?reportedStatus=delayed": "/feeds/plans/shanghai-credit-2023.atom",
    f"{PLAN}/tasks/21": "/feeds/tasks/shanghai-credit-2023/21.atom",
    "/units/shi-ke-wei": "/feeds/units/shi-ke-wei.atom",
    "/districts/310115": "/feeds/districts/310115.atom",
    "/overdue": "/feeds/plans/shanghai-credit-2023.atom",
    "/silent": "/feeds/plans/shanghai-credit-2023.atom",
}


@pytest.mark.parametrize("path", FEEDS)
async def test_a_page_links_the_feed_of_what_it_shows_for_programs_and_for_people(shared: Site, path: str) -> None:
    for lang, word in (("", "订阅"), ("en", "Subscribe")):
        page = (await shared.http.get(path, params=httpx.URL(path).params.merge({"lang": lang} if lang else {}))).text
        feed = FEEDS[path] + ("?lang=en" if lang else "")
        assert re.findall(
            r'<link rel="alternate" type="application/atom\+xml" title="[^"]*" href="([^"]*)">', page
        ) == [feed]
        assert re.search(rf'<a href="{re.escape(feed)}" type="application/atom\+xml">{word}', page)
        answer = await shared.http.get(feed)
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/atom+xml")


async def test_no_other_parameter_leaks_from_a_filtered_plan(shared: Site) -> None:
    page = await shared.http.get(PLAN, params={"q": "信用", "unit": "", "effectiveOn": "2023-06-30"})
    tasks = [link for link in links(page.text) if "/tasks/" in link]
    assert tasks
    assert {urlsplit(link).query for link in tasks if not link.startswith("/v1/")} == {"effectiveOn=2023-06-30"}


@pytest.mark.parametrize("path", PAGES)
async def test_every_link_on_a_page_leads_somewhere(shared: Site, path: str) -> None:
    page = await shared.http.get(path, params={"lang": "en"})
    for link in sorted(set(links(page.text))):
        if link.startswith("/") and not link.startswith(("/docs", "/graphql")):
            assert (await shared.http.get(link)).status_code == 200, link
        elif link.startswith("#"):
            assert f'id="{link[1:]}"' in page.text, link


@pytest.mark.parametrize("path", [*PAGES, "/plans/none", "/units?none=1"])
async def test_a_page_brings_no_script_and_lets_nothing_else_in(shared: Site, path: str) -> None:
    await signed(shared)
    page = await shared.http.get(path)
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    policy = page.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'self';")
    ours = re.findall(r'<script src="(/static/check\.[0-9a-f]{16}\.js)" defer></script>', page.text)
    assert len(ours) == ("script-src 'self'" in policy) == (path in CHECKING)
    for script in ours:
        assert len((await shared.http.get(script)).content) <= 10_000
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    data = r'<script type="application/ld\+json">[^<]*</script>'  # which nobody runs, and in which nothing can end it
    assert not re.search(
        r"<script|<style| style=| on[a-z]+=|javascript:",
        re.sub(f'{data}|<script src="/static/check[^<]*</script>', "", page.text),
    )
    (style,) = re.findall(r'rel="stylesheet" href="([^"]*)"', page.text)
    sheet = await shared.http.get(style)
    assert sheet.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert sheet.headers["Content-Type"] == "text/css; charset=utf-8"
    await shared.problem(404, style.replace("pages.", "pages.0"))


async def test_a_pinned_page_can_be_kept_but_for_one_that_holds_erasable_text(real: Site) -> None:
    pinned = {"position": "300", "effectiveOn": "2023-06-30"}
    assert (await real.http.get(PLAN, params=pinned)).headers["Cache-Control"] == "public, max-age=3600"
    assert (await real.http.get(f"{PLAN}/tasks/1", params=pinned)).headers["Cache-Control"] == "no-cache"
    page = await real.http.get(PLAN)
    assert page.headers["Cache-Control"] == "no-cache"
    again = await real.http.get(PLAN, headers={"If-None-Match": page.headers["ETag"]})
    assert again.status_code == 304
    english = await real.http.get(PLAN, params={"lang": "en"})
    assert english.headers["ETag"] != page.headers["ETag"]


@pytest.mark.parametrize(
    ("path", "query", "status", "why"),
    [
        (PLAN, {"none": "1"}, 400, "unknown parameter none"),
        (PLAN, {"lang": "fr"}, 400, "lang: give zh or en, not fr"),
        (PLAN, {"asOf": "2023-04-03", "position": "3"}, 400, "not both"),
        (PLAN, {"effectiveOn": "30 June"}, 400, "effectiveOn"),
        (PLAN, {"reportedStatus": "done"}, 400, "reportedStatus: give not_reported, "),
        ("/changes", {"from": "June"}, 400, "from"),
        ("/changes", {"plan": "none"}, 404, "there is no plan none"),
        ("/units/none", {}, 404, "there is no unit none"),
        ("/districts/999999", {}, 404, "there is no district 999999"),
        (f"{PLAN}/tasks/999", {}, 404, "there is no task"),
        (f"{PLAN}/tasks/x", {}, 404, "nothing at this address"),
        ("/plans/a/b/c", {}, 404, "nothing at this address"),
        (PLAN, {"effectiveOn": "2023-03-01"}, 404, "from 2023-03-28"),
    ],
)
async def test_what_goes_wrong_at_a_page_is_said_on_a_page(
    shared: Site, path: str, query: dict[str, str], status: int, why: str
) -> None:
    page = await shared.http.get(path, params=query, headers={"Accept-Language": "en"})
    assert page.status_code == status
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    (detail,) = re.findall(r'data-field="detail">(.*?)</span>', page.text)
    assert why in unescape(re.sub("<[^>]*>", "", detail))
    for link in links(page.text):
        assert (await shared.http.get(link)).status_code == 200, link


async def test_elsewhere_a_problem_stays_a_document_for_programs(shared: Site) -> None:
    for path in ("/v1/plans/none", "/none", "/static/none", "/v1/units?none=1"):
        await shared.problem(404 if "?" not in path else 400, path)


async def test_an_empty_record_says_so_and_promises_no_other_day(empty_site: Site) -> None:
    page = await empty_site.http.get("/")
    assert page.status_code == 404
    assert "the record is empty" in page.text
    assert "在有此内容的日期打开这一页" not in page.text


async def test_what_the_record_says_is_never_taken_for_markup(site: Site) -> None:
    text = "a <b onclick=\"x()\">b</b> {{ 7 * 7 }} & 'c'"
    edit = {"type": "task.reword", "task": "shanghai-credit-2023/12", "text": text, "reason": "<i>why</i>"}
    await site.record(edit)
    for path in (f"{PLAN}/tasks/12", PLAN, "/", "/changes"):
        page = (await site.http.get(path, params={"lang": "en"})).text
        assert "<b onclick" not in page
        assert "<i>why" not in page
        assert "&lt;b onclick=&#34;x()&#34;&gt;b&lt;/b&gt; {{ 7 * 7 }} &amp; &#39;c&#39;" in page, path


@pytest.mark.usefixtures("words_of_old")
async def test_what_facts_of_old_hold_that_nobody_sees_is_drawn_harmlessly(site: Site) -> None:
    """Today no command may say it: it stands by its code, and whatever turns its direction turns nothing else."""

    hidden = "\u202e\x1b[31m\ufdd0"
    edit = {"type": "task.reword", "task": "shanghai-credit-2023/12", "text": f"推进{hidden}立法。", "reason": hidden}
    rename = {"type": "unit.rename", "unit": "shi-ke-wei", "name": f"科{hidden}委", "reason": hidden}
    receipt = await site.record(edit, rename)
    fact = f"/events/{receipt['position'] - 1}"
    paths = (f"{PLAN}/tasks/12", fact, PLAN, "/", "/changes", "/units", "/units/shi-ke-wei", f"{PLAN}?q=立法")
    for path in paths:
        for lang in ("zh", "en"):
            page = (await site.http.get(path, params={"lang": lang, **({"q": "立法"} if "?" in path else {})})).text
            assert not set(hidden) & set(page) - set("[31m"), path
            assert "⟨U+202E⟩⟨U+001B⟩[31m⟨U+FDD0⟩" in page, path
    text = (await site.http.get(f"/v1{PLAN}/tasks.csv", params={"number": "12", "excel": "true"})).text
    assert "推进⟨U+202E⟩⟨U+001B⟩[31m⟨U+FDD0⟩立法。" in text
    assert f"推进{hidden}立法。" in (await site.http.get(f"/v1{PLAN}/tasks.csv", params={"number": "12"})).text


def test_a_terminal_takes_no_orders_from_what_is_recorded(capsys: pytest.CaptureFixture[str]) -> None:
    screen = Screen(soft_wrap=True)
    screen.print("推进\u202e\x1b[31m立法。\n第二行", markup=False)
    assert capsys.readouterr().out == "推进⟨U+202E⟩⟨U+001B⟩[31m立法。\n第二行\n"


def test_every_phrase_stands_in_both_languages_with_the_same_values() -> None:
    holes = re.compile(r"\{(\w+)\}")
    for key, phrase in catalogue().items():
        assert phrase.keys() == {lang.value for lang in Lang}, key
        assert sorted(holes.findall(phrase["zh"])) == sorted(holes.findall(phrase["en"])), key
        assert "<" not in "".join(phrase.values()), key


def test_every_phrase_is_used_and_every_phrase_used_is_there() -> None:
    folders = ("pages", "feeds", "catalogue", "services", "standards", "http")
    files = [one for own in folders for one in (ROOT / "api" / own).rglob("*") if one.suffix in {".html", ".py"}]
    text = "\n".join(one.read_text("utf-8") for one in files)
    named = set(re.findall(r"""\bt\(\s*f?["']([a-z_.]+)["'](?! ~)""", text)) | set(
        re.findall(r'"((?:task\.(?!html)|catalogue\.)[a-z._]+)"', text)
    )
    named |= {"yes", "no"}  # one of both
    named |= set(re.findall(r'"(detail\.[a-z_]+)"', text))
    built = set(
        re.findall(r"""\b(?:t\(|Sentence\(|(?:plain|phrase)\([a-zA-Z.]+, )f?["']([a-z]+)\.(?:["'] ~|\{)""", text)
    )
    assert built == MEMBERS.keys()
    named |= {f"{kind}.{one}" for kind, members in MEMBERS.items() for one in members}
    assert named == catalogue().keys()


def test_parts_and_measures_are_numbered_as_the_plan_does() -> None:
    assert [numeral(one) for one in (1, 5, 10, 11, 16, 20, 21, 99, 100)] == [
        *("一", "五", "十", "十一", "十六", "二十", "二十一", "九十九", "100")
    ]


def test_where_there_is_no_browser_its_tests_are_left_out_and_the_last_line_says_so(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "--collect-only", "-p", "no:cacheprovider", "tests/browser"]
    there = subprocess.run(  # noqa: S603 - our own command
        command, cwd=ROOT, env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    *_, last = there.stdout.strip().splitlines()
    assert re.fullmatch(r"left out \d+ browser tests: there is no Chromium here; `make browser` installs it", last)
    assert "skipped" not in there.stdout
    assert "deselected" in there.stdout


@pytest.mark.parametrize(("path", "of", "item"), [("/units", "unit", "id"), ("/districts", "district", "code")])
async def test_a_page_of_many_leads_on_to_those_behind_at_the_same_moment(
    told: Site, monkeypatch: pytest.MonkeyPatch, path: str, of: str, item: str
) -> None:
    monkeypatch.setattr(import_module(f"api.pages{path.replace('/', '.')}"), "_AT_ONCE", 7)
    moment = "asOf=2023-07-31&effectiveOn=2023-07-30"
    found, address = list[str](), f"{path}?{moment}&lang=en"
    while address:
        page = (await told.http.get(address)).text
        shown = re.findall(f'data-{of}="([^"]*)"', page)
        assert 0 < len(shown) <= 7
        found += sorted(shown)
        (address,) = re.findall('<a rel="next" href="([^"]*)"', page) or [""]
        address = unescape(address)
        assert not address or moment in address
    assert found == [one[item] for one in (await told.get(f"/v1{path}", limit=200, asOf="2023-07-31"))["items"]]
