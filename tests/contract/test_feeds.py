"""Feeds: nothing is missing, archives never change, whatever is recorded stays well-formed, and nothing leaks."""

import gzip
import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

import httpx
import msgspec
import pytest

from api.feeds.documents import feed_id
from api.feeds.reading import ARCHIVE_WIDTH
from api.main import application
from api.services.phrases import Lang
from domain.commands import FACTS
from projections.views.events import EventFilter
from tests.conftest import PLAN, TASK, Site
from tests.feeds import ATOM, documents, fetched, ids_of, links_of, once, pages, parsed
from tests.integration.test_rest_events import followed

PLAN_ID: Final = PLAN.rpartition("/")[2]
UNIT: Final = "shi-ke-wei"
DISTRICT: Final = "310115"
FILTERS: Final[list[Mapping[str, str]]] = [
    {},
    {"corrections": "true"},
    {"plan": PLAN_ID},
    {"task": TASK},
    {"unit": UNIT},
    {"unit": "ge-qu-ren-min-zheng-fu"},
    {"district": DISTRICT},
    {"stream": f"task:{PLAN_ID}/4"},
    {"type": "task.reworded.v1,unit.renamed.v1"},
    {"authority": "沪发改信用〔2023〕2号"},
    {"unit": UNIT, "type": "progress.reported.v1"},
    {"district": DISTRICT, "corrections": "true"},
]
SHORT: Final[Mapping[str, Mapping[str, str]]] = {
    f"/feeds/plans/{PLAN_ID}.atom": {"plan": PLAN_ID},
    f"/feeds/tasks/{TASK}.atom": {"task": TASK},
    f"/feeds/units/{UNIT}.atom": {"unit": UNIT},
    f"/feeds/districts/{DISTRICT}.atom": {"district": DISTRICT},
}
ALL_FEEDS: Final = [
    *("/feeds/events.atom", "/feeds/corrections.atom", "/feeds/events.json", "/feeds/corrections.json"),
    *SHORT,
]


def address(path: str, query: Mapping[str, str]) -> str:
    return f"{path}?{urlencode(sorted(query.items()))}" if query else path


async def expected(site: Site, query: Mapping[str, str]) -> list[str]:
    """The names of all facts that a filter brings, newest first."""
    log = site.running.reader.head.log
    return [f"urn:planrecord:{log}:{one['position']}" for one in reversed(await followed(site, **query))]


@pytest.mark.parametrize("query", FILTERS)
async def test_the_document_and_its_archives_are_the_log_newest_first(told: Site, query: Mapping[str, str]) -> None:
    names = await expected(told, query)
    assert names
    atom = [
        one for _, document in await documents(told, address("/feeds/events.atom", query)) for one in ids_of(document)
    ]
    json_feed = [one["id"] for page in await pages(told, address("/feeds/events.json", query)) for one in page["items"]]
    assert once(atom) == once(json_feed) == names


@pytest.mark.parametrize("query", [one for one in FILTERS if "corrections" not in one])
async def test_the_feed_of_corrections_is_that_filter(told: Site, query: Mapping[str, str]) -> None:
    names = await expected(told, {**query, "corrections": "true"})
    found = await documents(told, address("/feeds/corrections.atom", query))
    assert once([one for _, document in found for one in ids_of(document)]) == names
    items = [
        one["id"] for page in await pages(told, address("/feeds/corrections.json", query)) for one in page["items"]
    ]
    assert once(items) == names


@pytest.mark.parametrize("path", SHORT)
async def test_a_short_name_is_the_feed_of_one_filter(told: Site, path: str) -> None:
    short, long = await documents(told, path), await documents(told, address("/feeds/events.atom", SHORT[path]))
    assert [ids_of(one) for _, one in short] == [ids_of(one) for _, one in long]
    for name in ("id", "title", "updated"):
        assert short[0][1].findtext(f"{ATOM}{name}") == long[0][1].findtext(f"{ATOM}{name}")


async def test_every_archive_leads_both_ways_and_those_without_entries_are_left_out(told: Site) -> None:
    query = {"type": "unit.registered.v1,unit.renamed.v1"}  # in archives 0, 4 and 6
    found = await documents(told, address("/feeds/events.atom", query))
    assert len(found) == 4
    number = 0
    for at, document in reversed(found[1:]):
        links = links_of(document)
        assert ids_of(document)
        assert links["current"] == found[0][0]
        while f"archive={number}&" not in at:  # what is between has no entries, and says so
            empty = parsed(
                (await fetched(told, address("/feeds/events.atom", {**query, "archive": str(number)}))).content
            )
            assert ids_of(empty) == []
            number += 1
        number += 1
        assert links["next-archive"] == address("/feeds/events.atom", {**query, "archive": str(number)})


async def test_an_entry_says_what_was_done_to_what_and_leads_to_both(told: Site) -> None:
    (fact,) = (await told.get("/v1/events", after=359, limit=1))["items"]
    _, document = (await documents(told, "/feeds/tasks/shanghai-credit-2023/4.atom"))[0]
    (entry,) = [one for one in document.findall(f"{ATOM}entry") if one.findtext(f"{ATOM}id", "").endswith(":360")]
    assert entry.findtext(f"{ATOM}title") == "任务 4：修改文字"
    assert entry.findtext(f"{ATOM}published") == entry.findtext(f"{ATOM}updated") == fact["recordedAt"]
    assert entry.findtext(f"{ATOM}author/{ATOM}name") == fact["actor"] == "shanghai-credit-office"
    category, content = entry.find(f"{ATOM}category"), entry.find(f"{ATOM}content")
    assert category is not None
    assert category.attrib == {"term": fact["type"], "label": "修改文字"}
    assert content is not None
    assert content.attrib == {"type": "application/json", "src": "/v1/events/360"}
    assert links_of(entry) == {"alternate": "/v1/events/360", "related": f"/plans/{PLAN_ID}/tasks/4"}
    assert (await told.get(links_of(entry)["alternate"]))["leafHash"] == entry.findtext("{urn:planrecord:feed}leafHash")
    summary = entry.findtext(f"{ATOM}summary", "")
    assert fact["leafHash"] in summary
    assert fact["cause"]["reason"] in summary
    assert "自2023年6月1日起生效" in summary
    assert (await fetched(told, links_of(entry)["related"])).headers["Content-Type"].startswith("text/html")


async def test_in_english_it_is_another_feed_of_the_same_entries(told: Site) -> None:
    ours, english = [(await fetched(told, f"/feeds/units/{UNIT}.atom{query}")) for query in ("", "?lang=en")]
    first, second = parsed(ours.content), parsed(english.content)
    assert ids_of(first) == ids_of(second)
    assert first.findtext(f"{ATOM}title") == "工作要点公开记录：市科委"
    assert second.findtext(f"{ATOM}title") == "Public record of the work plan: 市科委"
    assert first.findtext(f"{ATOM}id") != second.findtext(f"{ATOM}id")
    assert "Progress reported" in english.text
    assert links_of(second)["alternate"] == f"/units/{UNIT}?lang=en"
    assert "Demonstration" in second.findtext(f"{ATOM}subtitle", "")


async def test_a_feed_as_it_was_at_a_position_is_that_of_the_log_then(told: Site) -> None:
    at = parsed((await fetched(told, "/feeds/events.atom?position=450")).content)
    assert ids_of(at)[0].endswith(":450")
    assert links_of(at)["prev-archive"] == "/feeds/events.atom?archive=3"
    assert len(ids_of(at)) == ARCHIVE_WIDTH


async def test_archives_stay_as_they_are_while_the_log_grows(site: Site) -> None:
    queries: list[Mapping[str, str]] = [{}, {"unit": UNIT}, {"district": DISTRICT}, {"task": TASK}, {"lang": "en"}]
    archives = [
        address(f"/feeds/events.{form}", {**query, "archive": str(number)})
        for query in queries
        for number in range(3)
        for form in ("atom", "json")
    ]
    before = {one: await fetched(site, one) for one in archives}
    await site.problem(404, "/feeds/events.atom", archive=3)
    await site.clock("2023-06-01T09:00:00+08:00")
    for number in range(60):  # names that archives say, replacements and voidings of what they have
        renamed = {"type": "unit.rename", "unit": UNIT, "name": f"科委{number}", "reason": "试"}
        await site.record(renamed, {"type": "task.reword", "task": TASK, "text": f"改{number}", "reason": "试"})
    assert site.running.reader.head.size > 400
    await site.record({"type": "fact.void", "target": site.running.reader.head.size - 1, "reason": "试"})
    for one, answer in before.items():
        after = await fetched(site, f"{one}&minPosition=1")  # which nobody asked, so that nobody remembers it
        assert after.content == answer.content, one
        assert after.headers["ETag"] == answer.headers["ETag"]
        assert after.headers["Log-Position"] == answer.headers["Log-Position"]
    (archive,) = [one for at, one in await documents(site, f"/feeds/units/{UNIT}.atom") if "archive=3" in at]
    assert "科委" in str(archive.findtext(f"{ATOM}entry/{ATOM}title"))
    names = await expected(site, {"unit": UNIT})
    found = await documents(site, f"/feeds/units/{UNIT}.atom")
    assert once([one for _, document in found for one in ids_of(document)]) == names
    assert links_of(found[0][1]).keys() >= {"self", "prev-archive"}
    titles = [entry.findtext(f"{ATOM}title") for entry in found[0][1].findall(f"{ATOM}entry")]
    assert titles[:2] == ["科委58：撤回一条记录", "科委58：单位更名"]  # the last name was taken back


@pytest.mark.usefixtures("words_of_old")
async def test_whatever_is_recorded_a_feed_is_well_formed_and_says_it_harmlessly(site: Site) -> None:
    hostile = "]]>&amp;<script>x()</script>\u0001\u001b\u202e\ufdd0\ufffe\U0001fffe\t\r\n'\"𠀀"
    edit = {"type": "task.reword", "task": TASK, "text": hostile, "reason": hostile, "authority": hostile}
    rename = {"type": "unit.rename", "unit": UNIT, "name": hostile, "reason": hostile}
    await site.record(edit, rename)
    for path in ALL_FEEDS:
        body = (await fetched(site, path)).content
        if path.endswith(".json"):
            assert json.loads(body)["items"] or "corrections" in path
            continue
        document = parsed(body)
        assert b"<script" not in body
        assert not {*"\u0001\u001b\u202e\ufdd0\ufffe\t\r"} & {*body.decode()}, path
        if "corrections" not in path and "districts" not in path:
            assert "]]>&amp;<script>x()</script>⟨U+0001⟩⟨U+001B⟩⟨U+202E⟩⟨U+FDD0⟩⟨U+FFFE⟩" in "".join(
                document.itertext()
            )
    named = parsed((await fetched(site, f"/feeds/units/{UNIT}.atom")).content)
    assert "<script>" in named.findtext(f"{ATOM}title", "")
    filtered = address("/feeds/events.atom", {"authority": hostile})
    assert len(ids_of(parsed((await fetched(site, filtered)).content))) == 1


async def test_no_text_that_may_be_erased_stands_in_a_feed(site: Site) -> None:
    words = "这是只有披露里才有的话"
    report = {
        "type": "progress.report",
        "task": TASK,
        "unit": "shi-wei-sheng-jian-kang-wei",
        "period": "2023-03",
        "status": "in_progress",
        "narrative": words,
        "evidence": [{"url": "https://example.org/evidence", "title": words}],
    }
    position = (await site.record(report))["position"]
    assert words in (await fetched(site, f"/v1/events/{position}")).text
    for path in ALL_FEEDS:
        body = (await fetched(site, path)).text
        assert words not in body
        if "corrections" not in path and "units" not in path and "districts" not in path:
            assert f":{position}" in body


async def test_a_document_is_kept_as_long_as_it_is_true(real: Site) -> None:
    newest, archive = [await fetched(real, f"/feeds/events.atom{query}") for query in ("", "?archive=2")]
    assert newest.headers["Cache-Control"] == "no-cache"
    assert archive.headers["Cache-Control"] == "public, max-age=3600"
    assert (newest.headers["Log-Position"], archive.headers["Log-Position"]) == ("352", "300")
    assert "license" in newest.links
    for answer in (newest, archive):
        again = await real.http.get(answer.url, headers={"If-None-Match": answer.headers["ETag"]})
        assert (again.status_code, again.content) == (304, b"")
        head = await real.http.head(answer.url)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["Content-Length"] == answer.headers["Content-Length"]
        plain = await real.http.get(answer.url, headers={"Accept-Encoding": "identity"})
        assert plain.content == answer.content
        assert plain.headers["ETag"] != answer.headers["ETag"]
    assert "subtitle" not in newest.text


async def test_a_demo_is_never_kept_and_is_packed_like_anything_else(told: Site) -> None:
    archive = await fetched(told, "/feeds/events.atom?archive=2")
    assert archive.headers["Cache-Control"] == "no-cache"
    async with told.http.stream("GET", "/feeds/events.atom?archive=2", headers={"Accept-Encoding": "gzip"}) as raw:
        packed = b"".join([part async for part in raw.aiter_raw()])
    assert gzip.decompress(packed) == archive.content
    assert len(packed) < len(archive.content) / 5


async def test_what_is_recorded_elsewhere_changes_nothing_of_a_feed(site: Site) -> None:
    before = await fetched(site, f"/feeds/units/{UNIT}.atom")
    position = (await site.record({"type": "task.reword", "task": TASK, "text": "改", "reason": "试"}))["position"]
    after = await site.http.get(f"/feeds/units/{UNIT}.atom", headers={"If-None-Match": before.headers["ETag"]})
    assert (after.status_code, after.headers["Log-Position"]) == (304, str(position))


@pytest.mark.parametrize(
    ("path", "query", "status", "code"),
    [
        ("/feeds/events.atom", {"archive": "7"}, 404, "not_yet"),
        ("/feeds/events.atom", {"archive": "70368744177663"}, 404, "not_yet"),
        ("/feeds/events.atom", {"archive": "70368744177664"}, 400, "bad_parameter"),
        ("/feeds/events.atom", {"archive": "-1"}, 400, "bad_parameter"),
        ("/feeds/events.atom", {"archive": "01"}, 400, "bad_parameter"),
        ("/feeds/events.atom", {"archive": "x"}, 400, "bad_parameter"),
        ("/feeds/events.atom", {"archive": ""}, 400, "bad_parameter"),
        ("/feeds/events.atom", {"archive": "1", "position": "300"}, 400, "bad_parameter"),
        ("/feeds/events.atom", {"archive": "1", "effectiveOn": "2023-06-30"}, 400, "bad_parameter"),
        ("/feeds/events.atom", {"lang": "fr"}, 400, "bad_parameter"),
        ("/feeds/events.atom", {"after": "1"}, 400, "unknown_parameter"),
        ("/feeds/events.atom", {"limit": "1"}, 400, "unknown_parameter"),
        ("/feeds/events.atom", {"type": "task.sung.v1"}, 400, "bad_parameter"),
        ("/feeds/events.atom", {"unit": "none"}, 404, "unknown_id"),
        ("/feeds/events.atom", {"unit": "none", "archive": "1"}, 404, "unknown_id"),
        ("/feeds/events.atom", {"asOf": "2022-01-01"}, 404, "before_the_record"),
        ("/feeds/corrections.atom", {"corrections": "false"}, 400, "bad_parameter"),
        (f"/feeds/units/{UNIT}.atom", {"unit": UNIT}, 400, "unknown_parameter"),
        ("/feeds/units/none.atom", {}, 404, "unknown_id"),
        ("/feeds/plans/none.atom", {}, 404, "unknown_id"),
        ("/feeds/tasks/none/1.atom", {}, 404, "unknown_id"),
        (f"/feeds/tasks/{PLAN_ID}/999.atom", {}, 404, "unknown_id"),
        (f"/feeds/tasks/{PLAN_ID}/021.atom", {}, 404, "unknown_address"),
        ("/feeds/districts/000000.atom", {}, 404, "unknown_id"),
        ("/feeds/events", {}, 404, "unknown_address"),
        ("/feeds/events.csv", {}, 404, "unknown_address"),
        ("/feeds/events.ATOM", {}, 404, "unknown_address"),
        (f"/feeds/units/{UNIT}", {}, 404, "unknown_address"),
        (f"/feeds/units/{UNIT}.json", {}, 404, "unknown_address"),
        ("/v1/events.atom", {}, 404, "unknown_address"),
        ("/feeds/platforms/yi-wang-tong-ban.atom", {}, 404, "not_found"),
    ],
)
async def test_what_is_no_feed_is_a_problem(
    told: Site, path: str, query: dict[str, str], status: int, code: str
) -> None:
    assert (await told.problem(status, path, **query))["code"] == code


async def test_an_empty_record_has_no_feed_yet_and_a_feed_may_have_no_entries(empty_site: Site, told: Site) -> None:
    assert (await empty_site.problem(404, "/feeds/events.atom"))["code"] == "before_the_record"
    document = parsed((await fetched(told, f"/feeds/corrections.atom?unit={UNIT}")).content)
    assert ids_of(document) == []
    assert document.findtext(f"{ATOM}updated") == (await told.get("/v1/events/1"))["recordedAt"]
    assert "prev-archive" not in links_of(document)
    empty = (await fetched(told, f"/feeds/corrections.json?unit={UNIT}")).json()
    assert empty["items"] == []
    assert "next_url" not in empty


async def test_addresses_begin_with_the_base_that_is_set_or_are_relative(told: Site) -> None:
    base = "https://example.org/plan"
    settings = msgspec.structs.replace(told.running.settings, base_url=base)
    front = application(msgspec.structs.replace(told.running, settings=settings))
    door = httpx.ASGITransport(front)  # pyright: ignore[reportArgumentType]
    # The two share one memory, as no two servers do: each is asked what the other is not.
    async with httpx.AsyncClient(transport=door, base_url="http://elsewhere.test") as http:
        atom = parsed((await http.get(f"/feeds/units/{UNIT}.atom?archive=3&minPosition=2")).content)
        feed = (await http.get(f"/feeds/events.json?unit={UNIT}&minPosition=2")).json()
    everywhere = [
        *links_of(atom).values(),
        *(one for entry in atom.findall(f"{ATOM}entry") for one in links_of(entry).values()),
    ]
    assert all(one.startswith((f"{base}/", "https://creativecommons.org/")) for one in everywhere)
    assert all(feed[name].startswith(f"{base}/") for name in ("feed_url", "home_page_url", "next_url"))
    assert all(one["url"].startswith(f"{base}/v1/events/") for one in feed["items"])
    listening = (await fetched(told, f"/feeds/events.json?unit={UNIT}")).json()
    assert listening["feed_url"] == f"{str(told.http.base_url).rstrip('/')}/feeds/events.json?unit={UNIT}"


def test_a_feed_is_named_by_what_it_brings_however_that_is_asked_for() -> None:
    assert feed_id("log", EventFilter(), Lang.ZH) == "urn:planrecord:log:events"
    one = EventFilter(type=("b", "a", "a"), task="p/1", corrections=True)
    named = "urn:planrecord:log:events;corrections=true;task=p%2F1;type=a%2Cb;lang=en"
    assert feed_id("log", one, Lang.EN) == named
    assert feed_id("log", msgspec.structs.replace(one, type=("a", "b")), Lang.EN) == named


@pytest.mark.parametrize("type_", sorted(FACTS))
async def test_every_type_of_fact_has_a_title(told: Site, type_: str) -> None:
    found: list[Any] = (await fetched(told, f"/feeds/events.json?type={type_}&lang=en")).json()["items"]
    assert all(": " in one["title"] and one["content_text"] for one in found)
