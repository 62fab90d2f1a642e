"""Feeds as their readers put them together: the document that is subscribed to, and archive after archive."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urljoin
from xml.etree.ElementTree import Element, fromstring

import httpx

from tests.conftest import Site

ATOM: Final = "{http://www.w3.org/2005/Atom}"
ARCHIVE: Final = "{http://purl.org/syndication/history/1.0}archive"


def parsed(document: bytes) -> Element:
    """A document of our own, as XML."""
    return fromstring(document)  # noqa: S314


def links_of(document: Element) -> Mapping[str, str]:
    """The addresses that a feed or an entry names, by relation."""
    return {one.attrib["rel"]: one.attrib["href"] for one in document.findall(f"{ATOM}link")}


def ids_of(document: Element) -> list[str]:
    """The names of its entries, as they stand."""
    return [one.findtext(f"{ATOM}id", "") for one in document.findall(f"{ATOM}entry")]


async def fetched(site: Site, address: str) -> httpx.Response:
    """A good answer."""
    answer = await site.http.get(address)
    assert answer.status_code == 200, f"{address}: {answer.text}"
    return answer


async def documents(site: Site, address: str) -> list[tuple[str, Element]]:
    """The document at an Atom feed's address and all archives before it, as RFC 5005 has them found, each with its."""
    found = list[tuple[str, Element]]()
    while address:
        document = parsed((await fetched(site, address)).content)
        assert document.tag == f"{ATOM}feed"
        assert (document.find(ARCHIVE) is not None) == bool(found)
        assert links_of(document)["self"] == address
        found.append((address, document))
        before = links_of(document).get("prev-archive")
        address = urljoin(address, before) if before else ""
    return found


async def pages(site: Site, address: str) -> list[Any]:
    """The pages of a JSON Feed, newest first."""
    found = [(await fetched(site, address)).json()]
    while "next_url" in found[-1]:
        found.append((await fetched(site, found[-1]["next_url"])).json())
    return found


def once(names: list[str]) -> list[str]:
    """Each name once, where it stands first: an archive may have what the document before it has too."""
    return list(dict.fromkeys(names))
