"""Before anything is timed: planrecord and its peer say the same."""

import json
from collections.abc import Iterator
from datetime import date
from itertools import zip_longest
from typing import Any, cast

from tests.benchmarks.load import Answer, Question, Wrong, ask
from tests.benchmarks.moments import Moments

SAMPLE = 40  # moments at which both are asked
NOTHING = Answer(200, [], b"")


def sample(moments: Moments) -> list[tuple[int, date]]:
    """Moments all over the record, late in the order in which load.lua walks them."""
    return [moments.pair(-1 - number * (len(moments) // SAMPLE // 2)) for number in range(SAMPLE)]


def alike(ours: tuple[int, Question], theirs: tuple[int, Question], moments: Moments) -> None:
    """Both give the same JSON at a sample of moments, item by item; Wrong names the first difference."""
    for moment in sample(moments):
        same(*(values(ask(port, question, moment)) for port, question in (ours, theirs)))


def values(answer: Answer) -> Any:
    """The answer's JSON without what no peer knows; platforms come in any order.

    That is the log's root and the rules' version, a query's cost, who is silent, and since when a task is completed.
    """
    found = json.loads(answer.body)
    found.pop("extensions", None)
    for name in ("root", "rules"):
        found.get("meta", {}).pop(name, None)
    for item in found.get("items", ()):
        item["answered"].pop("silent", None)
        item.pop("completedOn", None)
        item["scheduleStatus"] = item["scheduleStatus"].partition("_on_")[0].partition("_late")[0]
        item["platforms"] = sorted(item["platforms"], key=_id_of)
    return found


def _id_of(named: dict[str, str]) -> str:
    return named["id"]


def same(ours: Any, theirs: Any) -> None:
    """Both values are equal; Wrong names the first difference."""
    for here, there in zip_longest(_leaves(ours, "$"), _leaves(theirs, "$")):
        if here != there:
            raise Wrong(f"planrecord says {here} where its peer says {there}")


def _leaves(value: Any, place: str) -> Iterator[tuple[str, Any]]:
    """Each value that holds no other, with its place."""
    inner: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        inner = sorted(cast("dict[str, Any]", value).items())
    elif isinstance(value, list):
        inner = list(enumerate(cast("list[Any]", value)))
    if not inner:
        yield place, value
    for name, one in inner:
        yield from _leaves(one, f"{place}.{name}")


def identical(ours: Answer, theirs: Answer) -> None:
    """Both give the same bytes."""
    if ours != theirs:
        raise Wrong(f"the peer answers {theirs.headers} with other bytes or headers than {ours.headers}")


def rows(theirs: Answer, ours: Answer) -> None:
    """Datasette gives the items of the list; SQLite's booleans are numbers, which Python finds equal."""
    same(*(sorted(found, key=_id_of) for found in (json.loads(ours.body)["items"], json.loads(theirs.body))))
