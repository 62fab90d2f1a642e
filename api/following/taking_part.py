"""In which tasks a unit takes part, and what it has said of them itself, as the fold shows both."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from api.auditing.answers import Item
from api.following.watched import WatchedMoment
from domain.report import OwnReport, own_word

ListItem = dict[str, Any]


class UnitWays:
    """The ways back: from a member to its groups, from a successor to whom it succeeded; by id."""

    def __init__(self, shown: WatchedMoment) -> None:
        self._shown = shown

    def naming(self, stream: str) -> Iterator[tuple[str, Item]]:
        """The units that a fact of theirs makes name a subject, with their states."""
        for one in self._shown.log.naming(stream, "unit"):
            if state := self._shown.state(one):
                yield one.partition(":")[2], state

    def groups(self, unit: str) -> list[str]:
        """Those that it is a member of."""
        return [one for one, state in self.naming(f"unit:{unit}") if unit in state["members"]]

    def before(self, unit: str) -> list[str]:
        """Those that it succeeded."""
        return [one for one, state in self.naming(f"unit:{unit}") if unit in state["successors"]]

    def assigned(self, unit: str) -> Iterator[tuple[str, Item, Item]]:
        """The tasks that name it now: id, state, assignment."""
        for stream in self._shown.log.naming(f"unit:{unit}", "task"):
            state = self._shown.state(stream)
            for one in state["assignments"] if state else ():
                if one["unit"] == unit:
                    yield stream.partition(":")[2], state, one


def participations(shown: WatchedMoment, ways: UnitWays, unit: str) -> Iterator[ListItem]:
    """Its own parts, then those of each unit that it succeeded, on the shortest way."""
    found: dict[str, list[Item]] = {unit: []}
    ahead = [unit]
    for one in ahead:
        via = found[one]
        yield from _named(ways, one, via)
        for group in ways.groups(one):
            yield from _named(ways, group, [*via, {"kind": "group", **shown.named(group)}])
        for before in ways.before(one):
            if before not in found:
                found[before] = [*via, {"kind": "succession", **shown.named(before)}]
                ahead.append(before)


def _named(ways: UnitWays, unit: str, via: Sequence[Item]) -> Iterator[ListItem]:
    for task, state, one in ways.assigned(unit):
        plan = task.partition("/")[0]
        own = {"task": task, "plan": plan, "number": state["number"], "role": one["role"], "literal": one["literal"]}
        yield own | {"via": via}


def own_words(shown: WatchedMoment, ways: UnitWays, units: Sequence[str], task: str) -> ListItem | None:
    """What these units themselves say of a task; those who act for its members speak for a group."""
    speaking: dict[str, None] = {}
    for unit in units:
        speaking |= dict.fromkeys(branch[-1] for branch in shown.behind(unit)) if shown.group(unit) else {unit: None}
    before = {one: ways.before(one) for one in _all_before(ways, speaking)}
    word: Any = own_word([*speaking], before, {one: _spoken(shown, task, one) for one in before})
    if word is None:
        return None
    said = {"status": word.status.value, "period": word.period, "event": word.event}
    return said | {"unit": shown.named(word.unit)}


def _all_before(ways: UnitWays, units: Iterable[str]) -> list[str]:
    """These units and all whom they succeeded, however long ago."""
    found = dict.fromkeys(units)
    ahead = [*found]
    for one in ahead:
        new = [before for before in ways.before(one) if before not in found]
        found |= dict.fromkeys(new)
        ahead += new
    return ahead


def _spoken(shown: WatchedMoment, task: str, unit: str) -> Sequence[OwnReport]:
    state = shown.state(f"report:{task}/{unit}")
    return [msgspec.convert({**one, "unit": unit}, OwnReport) for one in (state["reports"] if state else ())]
