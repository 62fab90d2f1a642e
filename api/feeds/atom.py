"""Atom (RFC 4287) with archives (RFC 5005) and licences (RFC 4946), printed."""

from typing import Final
from xml.etree.ElementTree import Element, SubElement, tostring

from api.feeds.documents import FeedDocument, FeedEntry
from api.http.formats import FEED_TYPES, FeedForm
from api.services.places import PublicBase

_ATOM: Final = "http://www.w3.org/2005/Atom"
_HISTORY: Final = "http://purl.org/syndication/history/1.0"
_OWN: Final = "urn:planrecord:feed"  # of what no standard has a word for
_ATOM_XML: Final = FEED_TYPES[FeedForm.ATOM]


def print_atom(document: FeedDocument, base: PublicBase) -> bytes:
    """The document as XML; addresses are relative to its own, unless a base is set."""
    feed = Element("feed", {"xmlns": _ATOM, "xmlns:fh": _HISTORY, "xmlns:pr": _OWN, "xml:lang": document.lang.tag})
    _text(feed, "id", document.id)
    _text(feed, "title", document.title)
    if document.notice:
        _text(feed, "subtitle", document.notice)
    _text(feed, "updated", document.updated)
    _text(SubElement(feed, "author"), "name", document.origin)
    _text(feed, "generator", "planrecord")
    _link(feed, "self", base.link(document.own), _ATOM_XML)
    _link(feed, "alternate", base.link(document.page), "text/html")
    _link(feed, "license", document.license)
    if document.archive:
        SubElement(feed, "fh:archive")
        _link(feed, "current", base.link(document.current), _ATOM_XML)
    for relation, address in (("prev-archive", document.previous), ("next-archive", document.following)):
        if address is not None:
            _link(feed, relation, base.link(address), _ATOM_XML)
    for one in document.entries:
        _entry(feed, one, base)
    return tostring(feed, encoding="utf-8", xml_declaration=True)


def _entry(feed: Element, one: FeedEntry, base: PublicBase) -> None:
    entry, fact = SubElement(feed, "entry"), one.fact
    _text(entry, "id", one.id)
    _text(entry, "title", one.title)
    _text(entry, "updated", fact.recorded_at)
    _text(entry, "published", fact.recorded_at)
    _text(SubElement(entry, "author"), "name", fact.actor)
    SubElement(entry, "category", {"term": fact.type, "label": one.act})
    _link(entry, "alternate", base.link(one.event))  # its type unsaid: readers take no link that is not to HTML
    if one.page is not None:
        _link(entry, "related", base.link(one.page), "text/html")
    _text(entry, "summary", one.summary)
    SubElement(entry, "content", {"type": "application/json", "src": base.link(one.event)})
    _text(entry, "pr:leafHash", fact.leaf_hash)


def _text(parent: Element, name: str, text: str) -> None:
    SubElement(parent, name).text = text


def _link(parent: Element, relation: str, address: str, media_type: str | None = None) -> None:
    SubElement(parent, "link", {"rel": relation, "href": address} | ({"type": media_type} if media_type else {}))
