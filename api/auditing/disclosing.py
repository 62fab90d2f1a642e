"""The texts that stand in the log by their digests alone, as the API discloses them."""

from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec

from api.auditing.kept import KeptFacts
from api.auditing.leaves import belongs, leaf_of
from api.auditing.sources import Server
from api.auditing.verdicts import CannotLook
from events.erasable import digests
from events.foreign_json import foreign_json
from events.note import FormatError

GOOD_STATUS: Final = 200


class _Disclosed(msgspec.Struct):
    """A text as it is told: none where it is withheld or was erased."""

    digest: str
    state: str
    salt: str | None = None
    value: str | None = None


class _Page(msgspec.Struct):
    items: list[dict[str, Any]]


def examine(server: Server, facts: KeptFacts, told: Callable[[str], None], advance: Callable[[int], None]) -> int:
    """Hold every item of `/v1/events` against its leaf, and every text against its digest; how many texts fit."""
    fitting, position = 0, 0
    for item in _items(server, facts.size):
        position += 1
        if item.get("position") != position or leaf_of(item) != facts.entry(position):
            told(f"/v1/events, position {position}: the fact is not the one in the log")
            continue
        fitting += _texts(item, position, told)
        advance(1)
    if position != facts.size:
        told(f"/v1/events ends at position {position}, and the log holds {facts.size}")
    return fitting


def _texts(item: Any, position: int, told: Callable[[str], None]) -> int:
    try:
        given = msgspec.convert(item.get("disclosures") or [], list[_Disclosed])
    except msgspec.ValidationError as error:
        told(f"position {position}: the texts that are told are not of their form: {error}")
        return 0
    sealed = list(digests(item["data"]))
    if sealed != [one.digest for one in given]:
        told(f"position {position}: the texts that are told are not those of its digests")
        return 0
    fitting = 0
    for one in given:
        if one.value is None:
            told(f"position {position}: the text under {one.digest} is {one.state}, and no fact erased it")
        elif not belongs(msgspec.structs.asdict(one)):
            told(f"position {position}: the text that is told is not the one under {one.digest}")
        else:
            fitting += 1
    return fitting


def _items(server: Server, size: int) -> Iterator[Any]:
    """The items of the feed in order, up to the size that was audited."""
    after = 0
    while after < size:
        address = f"/v1/events?position={size}&after={after}&limit=200"
        status, body = server.ask(address)
        if status != GOOD_STATUS:
            raise CannotLook(f"{address} answers {status}")
        try:
            items = foreign_json(body, _Page).items
        except FormatError as error:
            raise CannotLook(f"{address} answers no list") from error
        if not items:
            return
        yield from items
        after += len(items)
