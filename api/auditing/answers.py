"""What the record shows at (P, D), worked out from its facts alone: openapi/FOLD.md once more, as it reads.

It is written from that document and imports nothing of planrecord's, so it can be right where that is wrong:
`planrecord audit` works with it, and the tests hold the tables against it. As a program, on the standard library alone:

    python -I api/auditing/answers.py http://127.0.0.1:8000 --position 500 --effective-on 2023-06-30 task:credit-2023/21
    python -I api/auditing/answers.py items.json            # items of /v1/events: a list, or `{"items": […]}`
    python -I api/auditing/answers.py --vectors openapi/vectors/*.json

prints every subject, or those named, as JSON by the names of their streams, in the fields of the API.
"""

import argparse
import json
import sys
from bisect import bisect_left, bisect_right
from calendar import monthrange
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from functools import cached_property, lru_cache, partial
from itertools import groupby, takewhile
from operator import itemgetter
from pathlib import Path
from typing import Any
from urllib.request import urlopen

Item = Mapping[str, Any]
Branch = tuple[str, ...]
Word = tuple[str, Item] | None  # who says it, and the report
RANKS = "not_started", "blocked", "delayed", "in_progress", "completed"
TIMELESS = {"unit.registered", "group.defined", "district.registered", "platform.registered"}
FOUNDING = TIMELESS | {"plan.adopted", "task.added"}
BEGINNING: dict[str, dict[str, Any]] = {
    "plan": {"parts": [], "measures": []},
    "task": {"assignments": [], "targets": [], "due": None, "withdrawn": False},
    "unit": {"aliases": [], "successors": [], "district": None, "closed": None, "members": [], "former": []},
    "platform": {"aliases": []},
}
SETS = {"task.reworded", "task.renumbered", "task.moved", "task.deadline_set", "unit.renamed"}
PUTS = {
    "plan.part_added": ("parts", "number"),
    "plan.measure_added": ("measures", "number"),
    "task.unit_assigned": ("assignments", "unit"),
    "task.target_set": ("targets", "target"),
}


def fact_kind(item: Item) -> str:
    return item["type"].rpartition(".")[0]


def standing_facts(items: Sequence[Item]) -> list[tuple[date, int, Item]]:
    """The facts of a stream that stand, with the day from which each holds and its place, in the order of folding."""
    by_position = {item["position"]: item for item in items}
    undone = {item["data"]["target"] if fact_kind(item) == "fact.voided" else item["replaces"] for item in items}

    def place(item: Item) -> int:
        return place(by_position[item["replaces"]]) if item["replaces"] else item["position"]

    live = [item for item in items if item["position"] not in undone and fact_kind(item) != "fact.voided"]
    born = sorted((item for item in live if fact_kind(item) in TIMELESS), key=place)[:1]
    dated = [
        (date.min if item in born else date.fromisoformat(item["effectiveOn"]), place(item), item) for item in live
    ]
    return sorted(dated, key=itemgetter(0, 1))


def steps_of(items: Sequence[Item]) -> tuple[list[date], list[Any]]:
    """The days from which the facts of one stream hold, in order, and the state before the first and after each."""
    there, states = standing_facts(items), list[Any]([None])
    for _, place, item in there:
        states.append(next_state(states[-1], item, place))
    return [since for since, _, _ in there], states


def put_last(there: Sequence[Any], new: Any, key: str | None = None) -> list[Any]:
    """Without what has the same key, or is the same, and with the new one at the end."""
    return [*(one for one in there if (one[key] != new[key] if key else one != new)), new]


def next_state(state: Any, item: Item, place: int) -> Any:
    """The state after one more fact: the table "What each fact does"."""
    kind, subject, data = fact_kind(item), item["stream"].partition(":")[0], item["data"]
    if kind == "progress.reported":
        dated = {name: item[name] for name in ("effectiveOn", "recordedAt")}
        report = {**data, **dated, "event": item["position"], "place": place}
        return {"reports": put_last(state["reports"] if state else (), report, "period")}
    if kind == "group.defined":
        kept = {name: state[name] for name in ("aliases", "members", "former")} if state else {}
        return {**BEGINNING[subject], **kept, **data, "kind": "group"}
    if kind in FOUNDING:
        return {**BEGINNING.get(subject, {}), **data}
    return state and {**state, **fields_set(state, kind, data)}


def fields_set(state: dict[str, Any], kind: str, data: Item) -> Item:
    if kind in SETS:
        return data
    if kind in PUTS:
        name, key = PUTS[kind]
        return {name: put_last(state[name], data, key)}
    match kind.partition(".")[2]:
        case "unit_released":
            return {"assignments": [one for one in state["assignments"] if one["unit"] != data["unit"]]}
        case "withdrawn" | "reinstated":
            return {"withdrawn": kind == "task.withdrawn"}
        case "alias_added":
            return {"aliases": put_last(state["aliases"], data["alias"])}
        case "succeeded":
            return {"successors": data["successors"] if "successors" in data else [data["successor"]]}
        case "member_added":
            members, former = put_last(state["members"], data["member"]), state["former"]
            return {"members": members, "former": [one for one in former if one != data["member"]]}
        case "member_removed":
            members = [one for one in state["members"] if one != data["member"]]
            former = put_last(state["former"], data["member"]) if members != state["members"] else state["former"]
            return {"members": members, "former": former}
        case _:
            raise ValueError(f"these rules do not know {kind}")


def period_end(period: str) -> date:
    year, _, part = period.partition("-")
    month = 12 if not part else int(part[1:]) * 3 if part[0] == "Q" else int(part)
    return date(int(year), month, monthrange(int(year), month)[1])


def word_of(reports: Sequence[Item]) -> Item | None:
    """The report that speaks for the latest day; of equal days that with the later place."""

    def rank(one: Item) -> tuple[date, int]:
        return min(period_end(one["period"]), date.fromisoformat(one["effectiveOn"])), one["place"]

    return max(reports, key=rank, default=None)


def evidence_shown(reports: Iterable[Item]) -> str:
    offered = [one for report in reports for one in report["evidence"]]
    return "none" if not offered else "digested" if all(one["sha256"] for one in offered) else "linked"


class AuditedLog:
    """Facts by the names of their streams, each in order, and what they show at any (P, D)."""

    def __init__(self, streams: Mapping[str, Sequence[Item]]) -> None:
        self.streams, self.names = streams, sorted(streams)
        self.at = lru_cache(1_000)(partial(ShownAt, self))
        self.steps = lru_cache(30_000)(self._steps)

    @classmethod
    def of(cls, items: Iterable[Item]) -> "AuditedLog":
        ordered = sorted(items, key=itemgetter("stream", "position"))
        return cls({stream: [*facts] for stream, facts in groupby(ordered, key=itemgetter("stream"))})

    def below(self, prefix: str) -> list[str]:
        return self.names[bisect_left(self.names, prefix) : bisect_left(self.names, f"{prefix}\U0010ffff")]

    def _steps(self, stream: str, position: int) -> tuple[list[date], list[Any]]:
        return steps_of(self.facts(stream, position))

    def facts(self, stream: str, position: int) -> list[Item]:
        return [item for item in self.streams.get(stream, ()) if item["position"] <= position]


class ShownAt:
    """The record of size P on the day D, in the fields of the API."""

    def __init__(self, log: AuditedLog, position: int, on: date) -> None:
        self.log, self.position, self.on = log, position, on

    @property
    def streams(self) -> Iterator[str]:
        return (name for name in self.log.names if self.log.streams[name][0]["position"] <= self.position)

    def state(self, stream: str) -> Any:
        days, states = self.log.steps(stream, self.position)
        return states[bisect_right(days, self.on)]

    def subject(self, stream: str) -> Any:
        """A subject as the API shows it, or None."""
        kind, _, key = stream.partition(":")
        if (state := self.state(stream)) is None:
            return None
        shown = {**state, "code" if kind == "district" else "id": key}
        shown["version"] = len(self.log.facts(stream, self.position))
        match kind:
            case "plan":
                return shown | {"document": f"sha256:{state['document']}"}
            case "unit":
                return shown | {name: [*map(self.named, state[name])] for name in ("members", "successors")}
            case "task":
                return shown | self._task(key, state)
            case "report":
                task, _, unit = key.rpartition("/")
                return {"reports": [self._report(task, unit, one) for one in state["reports"]]}
            case _:
                return shown

    def _report(self, task: str, unit: str, report: Item) -> Item:
        own = {"id": f"{task}/{unit}/{report['period']}", "task": task, "unit": self.named(unit)}
        shown = {name: value for name, value in report.items() if name != "place"}
        return {**shown, **own, "evidenceStatus": evidence_shown([report])}

    def named(self, unit: str) -> Item:
        return {"id": unit, "name": (self.state(f"unit:{unit}") or {"name": unit})["name"]}

    def _task(self, key: str, state: Item) -> dict[str, Any]:
        plan, counted = self.state(f"plan:{key.partition('/')[0]}"), Speakers(self, key)
        completed_on = self._completed_on(key) if counted.status == "completed" else None
        return {
            "plan": key.partition("/")[0],
            "assignments": [*map(self._assignment, state["assignments"])],
            "reportedStatus": counted.status,
            "answered": counted.answered,
            "evidenceStatus": evidence_shown(report for _, report in counted.latest),
            "completedOn": completed_on and completed_on.isoformat(),
            "scheduleStatus": self._schedule(state, completed_on),
            "platforms": self._mentioned(state["text"]),
            "latestReports": [self._report(key, *one) for one in counted.latest],
            "source": {"document": f"sha256:{plan['document']}", "line": state["line"]} if plan else None,
        }

    def _assignment(self, one: Item) -> Item:
        assignee = {"kind": "group" if self.group(one["unit"]) else "unit", **self.named(one["unit"])}
        acting = dict.fromkeys(branch[-1] for branch in self.behind(one["unit"]) if len(branch) > 1)
        return {**one, "assignee": assignee, "actingUnits": [*map(self.named, acting)]}

    def _mentioned(self, text: str) -> list[Item]:
        begins = {text[at : at + size] for at in range(len(text)) for size in range(1, 5)}
        near = (one for begin in begins for name, one in self._names.get(begin, ()) if name in text)
        return sorted({one["id"]: one for one in near}.values(), key=itemgetter("id"))

    @cached_property
    def _names(self) -> dict[str, list[tuple[str, Item]]]:  # of platforms, by their first four characters
        found: dict[str, list[tuple[str, Item]]] = {}
        for stream in self.log.below("platform:"):
            if there := self.state(stream):
                one = {"id": stream.partition(":")[2], "name": there["name"]}
                for name in (there["name"], *there["aliases"]):
                    found.setdefault(name[:4], []).append((name, one))
        return found

    def _completed_on(self, key: str) -> date | None:
        """The first day since which it has been completed; nothing changes but on a day that a fact bears."""

        def completed(day: date) -> bool:
            then = self.log.at(self.position, day)
            return then.state(f"task:{key}") is not None and Speakers(then, key).status == "completed"

        facts = (self.log.facts(stream, self.position) for stream in self._behind(key))
        days = {date.fromisoformat(item["effectiveOn"]) for items in facts for item in items}
        return min(takewhile(completed, sorted({one for one in days if one <= self.on}, reverse=True)), default=None)

    def _behind(self, key: str) -> Iterator[str]:
        """The streams that a task's status follows from, on whatever day: of those that its facts name, all."""
        yield from self.log.below(f"report:{key}/")
        waiting, seen = [f"task:{key}"], set[str]()
        while waiting:
            yield (stream := waiting.pop())
            seen.add(stream)
            data = [item["data"] for item in self.log.facts(stream, self.position)]
            named = {one[name] for one in data for name in ("unit", "member", "successor") if name in one}
            named.update(*(one.get("successors", ()) for one in data))
            waiting += {f"unit:{unit}" for unit in named} - seen - {*waiting}

    def _schedule(self, state: Item, completed_on: date | None) -> str:
        if state["due"] is None or state["withdrawn"]:
            return "unspecified"
        due = date.fromisoformat(state["due"])
        if completed_on:
            return "completed_on_time" if completed_on <= due else "completed_late"
        return "overdue" if self.on > due else "due_soon" if due - self.on < timedelta(days=30) else "not_due"

    def branches(self, unit: str, walked: Branch = ()) -> Iterator[Branch]:
        """The unit, followed by each branch of each of its successors; a circle is walked once."""
        walked = (*walked, unit)
        further = [one for one in (self.state(f"unit:{unit}") or {"successors": ()})["successors"] if one not in walked]
        for one in further:
            yield from self.branches(one, walked)
        if not further:
            yield walked

    def behind(self, assignee: str, *, former: bool = False) -> list[Branch]:
        group = self.group(assignee)
        units = [*group["members"], *(group["former"] if former else ())] if group else [assignee]
        return [branch for unit in units for branch in self.branches(unit)]

    def group(self, assignee: str) -> Any:
        return state if (state := self.state(f"unit:{assignee}")) and state["kind"] == "group" else None


class Speakers:
    """What a task's reports add up to."""

    def __init__(self, shown: ShownAt, key: str) -> None:
        self.shown, self.key = shown, key
        self.state = shown.state(f"task:{key}")
        leads = [one for one in self.state["assignments"] if one["role"] == "lead"]
        counts = [one["unit"] for one in leads or self.state["assignments"]]
        self.groups = [one for one in counts if (group := shown.group(one)) and not group["closed"]]
        self.is_open = bool(self.groups) or (not leads and self.state["openEnded"])
        self.closed = self._pairs(branch for one in counts if one not in self.groups for branch in shown.behind(one))
        self.words = {pair: self._word(branches) for pair, branches in self.closed.items()}
        self.spoken = [one for one in (*self.words.values(), *self._open()) if one]
        self.latest = [*{report["event"]: (unit, report) for unit, report in self.spoken}.values()]

    @staticmethod
    def _pairs(branches: Iterable[Branch]) -> dict[tuple[str, str], list[Branch]]:
        pairs: dict[tuple[str, str], list[Branch]] = {}
        for branch in branches:
            pairs.setdefault((branch[0], branch[-1]), []).append(branch)
        return pairs

    def _said(self, unit: str) -> Sequence[Item]:
        return (self.shown.state(f"report:{self.key}/{unit}") or {"reports": ()})["reports"]

    def _word(self, branches: Sequence[Branch]) -> Word:
        """What a pair says: its acting unit, or else the nearest before it that have said something."""
        for back in range(max(map(len, branches))):
            units = dict.fromkeys(branch[-1 - back] for branch in branches if back < len(branch))
            said = {one["event"]: (unit, one) for unit in units for one in self._said(unit)}
            if found := word_of([one for _, one in said.values()]):
                return said[found["event"]]
        return None

    def _open(self) -> Iterator[Word]:
        if not self.is_open:
            return
        units = [one["unit"] for one in self.state["assignments"] if not self.shown.group(one["unit"])]
        own = {unit for one in units for branch in self.shown.branches(one) for unit in branch}
        members = self._pairs(b for group in self.groups for b in self.shown.behind(group, former=True))
        others = own | {unit for unit, _ in self.closed}
        members = {pair: branches for pair, branches in members.items() if pair[0] not in others}
        listed = own | {unit for pair in (*self.closed.values(), *members.values()) for one in pair for unit in one}
        yield from (self._word(branches) for branches in members.values())
        prefix = f"report:{self.key}/"
        for unit in (one.removeprefix(prefix) for one in self.shown.log.below(prefix)):
            if unit not in listed:
                found = word_of([one for one in self._said(unit) if one["membership"] == "unlisted"])
                yield (unit, found) if found else None

    @property
    def answered(self) -> Item:
        silent = dict.fromkeys(acting for (_, acting), found in self.words.items() if not found)
        counted = {"count": len(self.spoken), "of": None if self.is_open else len(self.closed)}
        return {**counted, "silent": [*map(self.shown.named, silent)]}

    @property
    def status(self) -> str:
        """The least advanced word; completed only if every closed speaker has one."""
        if not self.spoken:
            return "not_reported"
        least = min((report["status"] for _, report in self.spoken), key=RANKS.index)
        return "in_progress" if least == "completed" and not all(self.words.values()) else least


def read(source: str) -> list[Any]:
    if not source.startswith("http"):
        found: Any = json.loads(Path(source).read_text("utf-8"))
        return found["items"] if isinstance(found, dict) else found  # pyright: ignore[reportUnknownVariableType]
    items, path = list[Any](), "/v1/events?limit=200"
    while path:
        with urlopen(source.rstrip("/") + path) as answer:  # noqa: S310 - the address that the caller gives
            page = json.load(answer)
        items += page["items"]
        path = page["next"]
    return items


def unmet(vector: Item) -> list[str]:
    """Where the state is not what a vector expects: of a subject the fields that it names, None for one not there."""
    log, found = AuditedLog.of(vector["items"]), list[str]()
    for moment in vector["moments"]:
        shown = log.at(moment["position"], date.fromisoformat(moment["effectiveOn"]))
        for stream, expected in moment["expect"].items():
            there = (one := shown.subject(stream)) and {name: one[name] for name in expected or one}
            if there != expected:
                found.append(f"{stream} at ({shown.position}, {shown.on}) is {there}, not {expected}")
    return found


def _main() -> None:
    parser = argparse.ArgumentParser(description="the state at (P, D), from the facts alone")
    parser.add_argument("source", nargs="?", help="http://… or a file of items")
    parser.add_argument("streams", nargs="*", help="names of streams; default: all")
    parser.add_argument("--position", type=int, help="P; default: that of the last fact")
    parser.add_argument("--effective-on", type=date.fromisoformat, default=date.max, help="D; default: the end of time")
    parser.add_argument("--vectors", nargs="+", default=[], help="check these files instead")
    given = parser.parse_args()
    if given.vectors:
        told = [f"{path}: {one}" for path in given.vectors for one in unmet(json.loads(Path(path).read_text("utf-8")))]
        sys.exit("\n".join(told) if told else 0)
    items = read(given.source)
    shown = AuditedLog.of(items).at(given.position or len(items), given.effective_on)
    found = {stream: shown.subject(stream) for stream in given.streams or shown.streams}
    json.dump(found, sys.stdout, ensure_ascii=False, indent=1)


if __name__ == "__main__":
    _main()
