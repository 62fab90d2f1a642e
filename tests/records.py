"""Random records: facts on any date, voided, replaced and recorded anew, in a small world of which all is kept."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta
from random import Random
from typing import Any, Final
from uuid import UUID

import msgspec

from domain.commands import FACTS
from domain.directory import (
    DistrictRegistered,
    GroupDefined,
    GroupMemberAdded,
    GroupMemberRemoved,
    PlatformAliasAdded,
    PlatformRegistered,
    UnitAliasAdded,
    UnitKind,
    UnitRegistered,
    UnitRenamed,
    UnitSucceeded,
)
from domain.fact import Fact
from domain.plan import PlanAdopted, PlanMeasureAdded, PlanPartAdded
from domain.report import Evidence, Listing, ProgressReported
from domain.task import (
    TaskAdded,
    TaskDeadlineSet,
    TaskMoved,
    TaskReinstated,
    TaskRenumbered,
    TaskReworded,
    TaskTargetSet,
    TaskUnitAssigned,
    TaskUnitReleased,
    TaskWithdrawn,
)
from domain.undo import FactVoided
from domain.values import Role, Status
from events.log import Log
from events.proposal import NewFact, Proposal
from events.recorded import Cause
from tests.unit.saying import Put

FOUNDED: Final = date(2023, 3, 28)
DAYS: Final = (
    *(date(2022, 5, 1), date(2023, 3, 27), FOUNDED, FOUNDED, date(2023, 3, 29), date(2023, 6, 30), date(2023, 7, 1)),
    *(date(2023, 9, 30), date(2023, 11, 15), date(2023, 12, 31), date(2024, 2, 1)),
)
PROBES: Final = (
    date(1900, 1, 1),
    *(day + timedelta(days=step) for day in DAYS for step in (-1, 0)),
    date(2999, 12, 31),
)
PLAN, TASKS = "credit-2023", ("credit-2023/1", "credit-2023/2", "credit-2023/3")
UNITS: Final = ("a", "b", "c", "d", "e", "f")
GROUPS: Final = {"all": True, "few": False}
PERIODS: Final = ("2023", "2023-Q1", "2023-Q2", "2023-Q3", "2023-04", "2023-12")
WORDS: Final = ("甲", "乙", "丙", "一网通办", "通办")


class Telling:
    """A record while it is made up: what is live in it, and the next fact at random."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.facts: list[Put] = []
        self.live: dict[int, Put] = {}

    def tell(self, stream: str, fact: Fact, on: date = FOUNDED, replaces: int | None = None) -> None:
        """One more fact."""
        self.facts.append(Put(stream, fact, on, replaces))
        if isinstance(fact, FactVoided):
            del self.live[fact.target]
        else:
            self.live.pop(replaces or 0, None)
            self.live[len(self.facts)] = self.facts[-1]

    def begin(self) -> None:
        """What is founded on one day: two groups with their members, a plan with its tasks."""
        self.tell("district:310101", DistrictRegistered("黄浦区"))
        for key in UNITS:
            self.tell(f"unit:{key}", self.unit(), self.random.choice(DAYS[1:5]))
        for key, closed in GROUPS.items():
            self.tell(f"unit:{key}", GroupDefined(key, closed))
        for key in GROUPS:
            for member in self.random.sample(UNITS, self.random.randint(0, 3)):
                self.tell(f"unit:{key}", GroupMemberAdded(member))
        self.tell("platform:portal", PlatformRegistered("一网通办"))
        self.tell(f"plan:{PLAN}", PlanAdopted("要点", "市信用办", None, FOUNDED, "", "a" * 64))
        for number in (1, 2):
            self.tell(f"plan:{PLAN}", PlanPartAdded(number, str(number)))
            self.tell(f"plan:{PLAN}", PlanMeasureAdded(number, number, "甲", "甲", "甲。"))
        for number, task in enumerate(TASKS, 1):
            self.tell(f"task:{task}", TaskAdded(number, 1, 1, "推进一网通办。", self.random.random() < 1 / 3, 40))
            for key in self.random.sample((*UNITS, *GROUPS), self.random.randint(1, 3)):
                self.tell(f"task:{task}", TaskUnitAssigned(key, self.random.choice(list(Role)), key))

    def unit(self) -> UnitRegistered:
        """A registration."""
        return UnitRegistered(self.random.choice(WORDS), UnitKind.BODY, self.random.choice([None, "310101"]))

    def further(self) -> None:
        """One more fact, of any kind: a voiding once in six times, a replacement once in six."""
        chance, on = self.random.random(), self.random.choice(DAYS)
        if chance < 1 / 6:
            target = self.random.choice(sorted(self.live))
            self.tell(self.live[target].stream, FactVoided(target), on)
            return
        stream, fact = self.anything()
        alike = {p: one.fact for p, one in self.live.items() if one.stream == stream and type(one.fact) is type(fact)}
        replaces = self.random.choice(sorted(alike)) if alike and chance < 1 / 3 else None
        if isinstance(fact, ProgressReported):  # at most one report of a unit on a task for a period is live
            said = {one.period: p for p, one in alike.items() if isinstance(one, ProgressReported)}
            replaces = said.get(fact.period, replaces)
        self.tell(stream, fact, on, replaces)

    def anything(self) -> tuple[str, Fact]:
        """A fact at random, with its stream."""
        choose = self.random.choice
        kinds: Sequence[Callable[[], tuple[str, Fact]]] = (
            self.of_unit,
            self.of_group,
            self.of_task,
            self.report,
            self.report,
            self.report,
            lambda: choose(
                [
                    ("platform:portal", PlatformAliasAdded(choose(WORDS))),
                    ("platform:portal", PlatformRegistered(choose(WORDS))),
                    ("district:310101", DistrictRegistered(choose(WORDS))),
                    (f"plan:{PLAN}", PlanMeasureAdded(self.random.randint(1, 3), 1, choose(WORDS), "甲", "甲。")),
                ]
            ),
        )
        return choose(kinds)()

    def of_unit(self) -> tuple[str, Fact]:
        """Of a unit. Who succeeds comes later in the alphabet, so that there is no circle."""
        place = self.random.randrange(len(UNITS))
        behind = UNITS[place + 1 :]
        choose = self.random.choice
        successors = self.random.sample(behind, self.random.randint(0, min(2, len(behind))))
        facts: tuple[Fact, ...] = (
            UnitRenamed(choose(WORDS)),
            UnitAliasAdded(choose(WORDS)),
            UnitSucceeded(tuple(successors)),
            UnitSucceeded(tuple(successors)),
            self.unit(),
        )
        return f"unit:{UNITS[place]}", choose(facts)

    def of_group(self) -> tuple[str, Fact]:
        """Of a group."""
        key, member = self.random.choice([*GROUPS]), self.random.choice(UNITS)
        facts: list[Fact] = [GroupMemberAdded(member), GroupMemberRemoved(member), GroupDefined(key, GROUPS[key])]
        return f"unit:{key}", self.random.choice(facts)

    def of_task(self) -> tuple[str, Fact]:
        """Of a task."""
        choose, key = self.random.choice, self.random.choice([*UNITS, *GROUPS])
        facts: list[Fact] = [
            TaskReworded(choose(WORDS)),
            TaskRenumbered(self.random.randint(1, 3)),
            TaskMoved(1, choose([1, 2, None])),
            TaskUnitAssigned(key, choose(list(Role)), key),
            TaskUnitAssigned(key, Role.LEAD, key),
            TaskUnitReleased(key),
            TaskDeadlineSet(choose([None, *DAYS])),
            TaskTargetSet(self.random.randint(1, 2), choose(WORDS), "1", "个"),
            choose([TaskWithdrawn(), TaskReinstated()]),
            TaskAdded(self.random.randint(1, 3), 1, 1, choose(WORDS), choose([True, False]), 40),
        ]
        return f"task:{choose(TASKS)}", choose(facts)

    def report(self) -> tuple[str, Fact]:
        """Of a unit on a task, mostly that it is completed: else nothing would ever be."""
        choose = self.random.choice
        evidence = choose([(), (Evidence("https://a.example"),), (Evidence("https://a.example", sha256="b" * 64),)])
        status = choose([*Status, *[Status.COMPLETED] * 5])
        said = ProgressReported(choose(PERIODS), status, None, None, evidence, choose(list(Listing)))
        return f"report:{choose(TASKS)}/{choose(UNITS)}", said


def random_record(seed: int, length: int = 50) -> list[Put]:
    """The facts of a record, which begins with its directory, its plan and some assignments."""
    telling = Telling(Random(seed))  # noqa: S311 - to be told again, nothing secret
    telling.begin()
    for _ in range(length):
        telling.further()
    return telling.facts


def facts_of(items: Iterable[Mapping[str, Any]]) -> list[Put]:
    """The facts of items as the feed has them."""
    return [
        Put(
            item["stream"],
            msgspec.convert(item["data"], FACTS[item["type"]]),
            date.fromisoformat(item["effectiveOn"]),
            item["replaces"],
        )
        for item in items
    ]


async def append(log: Log, facts: Sequence[Put], today: date) -> None:
    """Have them recorded as they are, by no rule, in a record that holds nothing yet."""
    cause = Cause("test.record", UUID(int=1), None, None)
    new = [NewFact(one.stream, one.fact, one.on, one.replaces, cause) for one in facts]
    streams = {one.stream for one in facts}
    await log.append(Proposal("office", new, dict.fromkeys(streams, 0), dict.fromkeys(streams, ()), today))
