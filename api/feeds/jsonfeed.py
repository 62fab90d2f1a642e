"""JSON Feed 1.1, printed."""

from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from api.feeds.documents import FeedDocument, FeedEntry
from api.services.places import PublicBase


class JsonFeedAuthor(msgspec.Struct, frozen=True):
    """Who recorded it."""

    name: str


class JsonFeedFact(msgspec.Struct, frozen=True, rename="camel"):
    """What no field of JSON Feed has: the fact's position and stream, the digest of its leaf, and what it undoes."""

    position: int
    stream: str
    leaf_hash: str
    undoes: int | None


class JsonFeedItem(msgspec.Struct, frozen=True, kw_only=True):
    """A fact as an item."""

    id: str
    url: str
    external_url: str | UnsetType = UNSET
    title: str
    content_text: str
    date_published: str
    date_modified: str
    authors: tuple[JsonFeedAuthor, ...]
    tags: tuple[str, ...]
    planrecord: JsonFeedFact = msgspec.field(name="_planrecord")


class JsonFeedLog(msgspec.Struct, frozen=True):
    """Of which log it is, by its identity and its name, and under which licence."""

    log: str
    origin: str
    license: str


class JsonFeed(msgspec.Struct, frozen=True, kw_only=True):
    """A feed, newest first; `next_url` leads to what was recorded before, in archives that never change."""

    version: Literal["https://jsonfeed.org/version/1.1"] = "https://jsonfeed.org/version/1.1"
    title: str
    home_page_url: str
    feed_url: str
    description: str | UnsetType = UNSET
    next_url: str | UnsetType = UNSET
    authors: tuple[JsonFeedAuthor, ...]
    language: str
    planrecord: JsonFeedLog = msgspec.field(name="_planrecord")
    items: tuple[JsonFeedItem, ...]


def print_json_feed(document: FeedDocument, base: PublicBase) -> bytes:
    """The document as JSON, in which addresses are never relative."""
    feed = JsonFeed(
        title=document.title,
        home_page_url=base.whole(document.page),
        feed_url=base.whole(document.current),
        description=document.notice or UNSET,
        next_url=base.whole(document.previous) if document.previous else UNSET,
        authors=(JsonFeedAuthor(document.origin),),
        language=document.lang.tag,
        planrecord=JsonFeedLog(document.log, document.origin, document.license),
        items=tuple(_item(one, base) for one in document.entries),
    )
    return msgspec.json.encode(feed)


def _item(one: FeedEntry, base: PublicBase) -> JsonFeedItem:
    fact = one.fact
    return JsonFeedItem(
        id=one.id,
        url=base.whole(one.event),
        external_url=base.whole(one.page) if one.page is not None else UNSET,
        title=one.title,
        content_text=one.summary,
        date_published=fact.recorded_at,
        date_modified=fact.recorded_at,
        authors=(JsonFeedAuthor(fact.actor),),
        tags=(fact.type,),
        planrecord=JsonFeedFact(fact.position, fact.stream, fact.leaf_hash, one.undoes),
    )
