"""Feeds as others judge them: RFC 4287's own grammar, and the reader that most of Python's programs read feeds by."""

import asyncio
import warnings
from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final

import pytest

from tests.conftest import PLAN, TASK, Site
from tests.feeds import documents, fetched, pages
from tests.integration.test_rest_events import followed
from tests.interop.conftest import schema

GRAMMAR: Final = "atom-rfc4287.rng"
PLAN_ID: Final = PLAN.rpartition("/")[2]
FEEDS: Final[Mapping[str, Mapping[str, str]]] = {
    "/feeds/events.atom": {},
    "/feeds/events.atom?lang=en&type=progress.reported.v1": {"type": "progress.reported.v1"},
    "/feeds/corrections.atom": {"corrections": "true"},
    "/feeds/corrections.atom?unit=shi-ke-wei": {"corrections": "true", "unit": "shi-ke-wei"},  # which has no entries
    f"/feeds/plans/{PLAN_ID}.atom": {"plan": PLAN_ID},
    f"/feeds/tasks/{TASK}.atom": {"task": TASK},
    "/feeds/units/shi-ke-wei.atom": {"unit": "shi-ke-wei"},
    "/feeds/districts/310115.atom": {"district": "310115"},
}
HOSTILE: Final = "]]>&amp;<script>x()</script>\u0001\u202e\ufffe"
etree: Any = import_module("lxml.etree")  # whose types nobody publishes


def grammar() -> Any:
    """RFC 4287, appendix B."""
    path = schema(GRAMMAR)
    assert path is not None
    return etree.RelaxNG(etree.parse(str(path)))


def faults(judge: Any, document: bytes) -> list[str]:
    """What the grammar finds wrong."""
    judge.validate(etree.fromstring(document))
    return [str(one) for one in judge.error_log]


@pytest.mark.standard(GRAMMAR)
def test_the_grammar_finds_what_is_wrong() -> None:
    judge = grammar()
    assert faults(judge, b'<feed xmlns="http://www.w3.org/2005/Atom"><title>t</title></feed>')
    assert faults(judge, b"<feed/>")


@pytest.mark.standard(GRAMMAR)
@pytest.mark.parametrize("path", FEEDS)
async def test_every_document_of_every_feed_is_atom(told: Site, path: str) -> None:
    judge = grammar()
    found = await documents(told, path)
    for address, _ in found:
        assert faults(judge, (await fetched(told, address)).content) == [], address


@pytest.mark.standard(GRAMMAR)
@pytest.mark.usefixtures("words_of_old")
async def test_an_archive_without_entries_and_hostile_words_are_atom(site: Site) -> None:
    judge = grammar()
    assert faults(judge, (await fetched(site, f"/feeds/tasks/{TASK}.atom?archive=0")).content) == []

    await site.record({"type": "task.reword", "task": TASK, "text": HOSTILE, "reason": HOSTILE})
    await site.record({"type": "unit.rename", "unit": "shi-ke-wei", "name": HOSTILE, "reason": HOSTILE})
    for path in FEEDS:
        assert faults(judge, (await fetched(site, path)).content) == [], path


async def read(address: str) -> Any:
    """What feedparser makes of an address."""

    def parsed() -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of its own making
            return import_module("feedparser").parse(address)

    return await asyncio.to_thread(parsed)


@pytest.mark.parametrize("path", FEEDS)
async def test_feedparser_reads_the_whole_log_from_a_feed(told: Site, path: str) -> None:
    base = str(told.http.base_url).rstrip("/")
    names, address = dict[str, None](), f"{base}{path}"
    while address:
        found = await read(address)
        assert (found.bozo, found.version, found.status) == (False, "atom10", 200), found
        assert found.feed.title
        assert found.feed.license == "https://creativecommons.org/licenses/by/4.0/"
        for one in found.entries:
            names[one.id] = None
            assert one.title
            assert one.summary
            assert one.link == f"{base}/v1/events/{one.id.rpartition(':')[2]}"
            assert one.published_parsed == one.updated_parsed
        address = {one.rel: one.href for one in found.feed.links}.get("prev-archive")
    log = told.running.reader.head.log
    items = await followed(told, **FEEDS[path])
    assert [*names] == [f"urn:planrecord:{log}:{one['position']}" for one in reversed(items)]


async def test_a_json_feed_has_what_its_version_asks_for(told: Site) -> None:
    for path in ("/feeds/events.json", "/feeds/corrections.json", "/feeds/corrections.json?unit=shi-ke-wei"):
        for page in await pages(told, path):
            assert page["version"] == "https://jsonfeed.org/version/1.1"
            assert all(isinstance(page[name], str) and page[name] for name in ("title", "feed_url", "home_page_url"))
            for item in page["items"]:
                assert isinstance(item["id"], str)
                assert isinstance(item["content_text"], str)
                assert item["url"].startswith("http://")
