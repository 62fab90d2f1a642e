"""The sitemap names every page that is there, in both languages, with its date; robots.txt says what has no end."""

import re
from collections.abc import Sequence
from html import unescape
from typing import Final, NamedTuple
from urllib.parse import urlsplit

import pytest

from api.pages import sitemaps
from tests.conftest import Site
from tests.feeds import fetched, parsed

PROTOCOL: Final = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
XHTML: Final = "{http://www.w3.org/1999/xhtml}"
W3C: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z")
LINK: Final = re.compile(r'<a [^>]*href="(/[^"]*)"')


class Entry(NamedTuple):
    """An address of a sitemap: its path, its date, and its languages with their paths."""

    path: str
    date: str
    languages: dict[str, str]


async def index_of(site: Site) -> list[str]:
    """The parts that the index names."""
    index = parsed((await fetched(site, "/sitemap.xml")).content)
    assert index.tag == f"{PROTOCOL}sitemapindex"
    return [path_in(site, one.findtext(f"{PROTOCOL}loc", "")) for one in index]


async def entries_of(site: Site, part: str) -> list[Entry]:
    """The addresses of a part."""
    answer = await fetched(site, part)
    assert answer.headers["Content-Type"] == "application/xml; charset=utf-8"
    document = parsed(answer.content)
    assert document.tag == f"{PROTOCOL}urlset"
    return [
        Entry(
            path_in(site, one.findtext(f"{PROTOCOL}loc", "")),
            one.findtext(f"{PROTOCOL}lastmod", ""),
            {
                link.attrib["hreflang"]: path_in(site, link.attrib["href"])
                for link in one.findall(f"{XHTML}link")
                if link.attrib["rel"] == "alternate"
            },
        )
        for one in document
    ]


def path_in(site: Site, address: str) -> str:
    """The path of an address, which is a whole one of this site."""
    base = str(site.http.base_url).rstrip("/")
    assert address.startswith(f"{base}/")
    return address.removeprefix(base)


async def whole(site: Site) -> list[Entry]:
    """The addresses of all parts."""
    return [one for part in await index_of(site) for one in await entries_of(site, part)]


async def pages_of(site: Site) -> set[str]:
    """Every page that REST knows of a subject for."""
    found = {"/", "/units", "/districts", "/changes", "/overdue", "/silent", "/proof"}
    for plan in (await site.get("/v1/plans.json"))["items"]:
        tasks = (await site.get(f"/v1/plans/{plan['id']}/tasks.json"))["items"]
        found |= {f"/plans/{plan['id']}"} | {f"/plans/{one['id'].replace('/', '/tasks/')}" for one in tasks}
    for kind, key in (("units", "id"), ("districts", "code")):
        found |= {f"/{kind}/{one[key]}" for one in (await site.get(f"/v1/{kind}.json"))["items"]}
    return found


async def test_each_page_stands_once_in_each_language_and_is_there(told: Site) -> None:
    entries = await whole(told)
    pages = await pages_of(told)
    assert sorted(one.path for one in entries) == sorted([*pages, *(f"{one}?lang=en" for one in pages)])
    for one in entries:
        plain = one.path.removesuffix("?lang=en")
        assert one.languages == {"zh-Hans": plain, "en": f"{plain}?lang=en"}
        assert (await told.http.get(one.path)).status_code == 200, one.path


async def test_a_page_has_the_date_of_the_last_fact_that_concerns_it(told: Site) -> None:
    dates = {one.path: one.date for one in await whole(told)}
    assert all(map(W3C.fullmatch, dates.values()))
    for path, query in {
        "/plans/shanghai-credit-2023": "plan=shanghai-credit-2023",
        "/plans/shanghai-credit-2023/tasks/21": "task=shanghai-credit-2023/21",
        "/plans/shanghai-credit-2023/tasks/4?lang=en": "task=shanghai-credit-2023/4",
        "/units/shi-ke-wei": "unit=shi-ke-wei",
    }.items():
        facts = (await told.get(f"/v1/events.json?{query}"))["items"]
        assert dates[path] == facts[-1]["recordedAt"], path
    assert dates["/"] == (await told.get("/v1/plans"))["meta"]["asOf"]
    assert len(set(dates.values())) > 3


async def test_what_is_not_there_any_more_is_not_named(site: Site) -> None:
    before = {one.path for one in await whole(site)}
    await site.record({"type": "plan.retract", "plan": "shanghai-credit-2023", "reason": "试"})
    after = {one.path for one in await whole(site)}
    gone = before - after
    assert gone
    assert gone == {one for one in before if one.startswith("/plans/")}
    for path in sorted(gone)[:4]:
        assert (await site.http.get(path)).status_code == 404


async def test_many_parts_have_the_pages_that_one_would_have(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sitemaps, "PART_WIDTH", 50)
    monkeypatch.setattr(sitemaps, "_AT_ONCE", 7)
    assert len(await index_of(site)) == -(-site.running.reader.head.size // 50)
    pages = await pages_of(site)
    assert sorted(one.path for one in await whole(site)) == sorted([*pages, *(f"{one}?lang=en" for one in pages)])


def test_no_part_can_have_more_than_is_allowed() -> None:
    addresses = 2 * (sitemaps.PART_WIDTH + len(sitemaps.OF_NO_SUBJECT))
    assert addresses <= 50_000
    longest = 96 + len("https://data.example.gov.cn/units/?lang=en")
    entry = 3 * (longest + 60) + 100
    assert addresses * entry < 50 * 1024 * 1024


async def test_a_part_that_is_not_there_yet_is_a_problem(told: Site) -> None:
    assert (await told.problem(404, "/sitemap.xml?part=2"))["code"] == "not_yet"
    assert (await told.problem(400, "/sitemap.xml?part=0"))["code"] == "bad_parameter"
    assert (await told.problem(400, "/sitemap.xml?position=1"))["code"] == "unknown_parameter"
    assert (await told.problem(400, "/robots.txt?part=1"))["code"] == "unknown_parameter"


async def test_a_part_is_asked_for_again_as_every_answer_is(told: Site) -> None:
    (part,) = await index_of(told)
    first = await fetched(told, part)
    assert first.headers["Cache-Control"] == "no-cache"
    again = await told.http.get(part, headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304


async def test_nothing_of_a_demo_is_to_be_found_elsewhere(told: Site) -> None:
    answer = await fetched(told, "/robots.txt")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.text.splitlines()[1:] == ["User-agent: *", "Disallow: /"]
    assert '<meta name="robots" content="noindex">' in (await fetched(told, "/")).text


async def test_an_empty_record_has_no_sitemap_yet(empty_site: Site) -> None:
    assert (await empty_site.problem(404, "/sitemap.xml"))["code"] == "before_the_record"
    assert (await empty_site.http.get("/robots.txt")).status_code == 200


def allowed(rules: Sequence[str], path: str) -> bool:
    """Whether no rule stands against a path, as RFC 9309 reads `*`."""
    patterns = (rule.removeprefix("Disallow: ") for rule in rules if rule.startswith("Disallow: "))
    return not any(re.match(re.escape(one).replace(r"\*", ".*"), path) for one in patterns)


async def test_every_page_may_be_looked_at_and_no_other_moment_of_it(real: Site) -> None:
    rules = (await fetched(real, "/robots.txt")).text.splitlines()
    assert rules[0] == "User-agent: *"
    assert rules[-1] == f"Sitemap: {str(real.http.base_url).rstrip('/')}/sitemap.xml"
    entries = await whole(real)
    assert [one.path for one in entries if not allowed(rules, one.path)] == []
    for path in ("/", "/plans/shanghai-credit-2023", "/units/shi-ke-wei", "/changes", "/districts/310115"):
        page = (await fetched(real, f"{path}?effectiveOn=2023-06-30")).text
        links = {unescape(one) for one in LINK.findall(page)}
        moments = {one for one in links if re.search("position=|effectiveOn=|asOf=|position%3D", urlsplit(one).query)}
        assert moments
        assert [one for one in moments if allowed(rules, one)] == []
    for path in ("/v1/plans/shanghai-credit-2023/tasks.csv", "/v1/events?plan=x", "/openapi.json", "/units?photo=1"):
        assert allowed(rules, path)
    for path in ("/changes?from=1", "/changes?lang=en&to=2", "/v1/units?cursor=x", "/plans/x?lang=en&q=x"):
        assert not allowed(rules, path)
