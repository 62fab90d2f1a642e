"""One INVENTED authority: a city with districts, units, groups and platforms of its own, and two plans a year."""

from collections.abc import Iterator
from datetime import date
from functools import cached_property
from typing import Final, NamedTuple

from domain.bundled import bundled_plan
from domain.directory import (
    DistrictRegistered,
    GroupDefined,
    GroupMemberAdded,
    GroupMemberRemoved,
    PlatformRegistered,
    UnitKind,
    UnitRegistered,
    UnitRenamed,
    UnitSucceeded,
)
from domain.document import read
from domain.document.draft import DraftTask
from domain.document.reference import REFERENCE
from domain.fact import Fact
from domain.plan import PlanAdopted, PlanMeasureAdded, PlanPartAdded
from domain.task import TaskAdded, TaskTargetSet, TaskUnitAssigned
from domain.values import Role

READING: Final = read(bundled_plan().text)
WITH_PLATFORMS: Final = 300  # authorities have platforms: a task is compared with the names of all that there are
CENTRES: Final = 10  # units of an authority that no plan names
THEMES: Final = {"credit": "社会信用体系建设", "service": "政务服务"}
SUCCEEDED: Final = "shang-hai-yin-bao-jian-ju"  # in 2021; no report is invented for it
DOCUMENT: Final = "0" * 64
_FIRST: Final = "安宝昌德东丰福高广贵海和河恒华怀吉嘉建江金锦景靖乐临龙隆梅明"
_SECOND: Final = "南宁平清瑞山泰通文武西新兴阳永玉元云泽州城川都谷关湖化康宜岳"
_KNOWN: Final = {one.name: one.id for one in (*REFERENCE.units, *REFERENCE.groups)}
_OPEN: Final = tuple(one.id for one in REFERENCE.groups if not one.closed)
_CLOSED: Final = {one.id: one.members for one in REFERENCE.groups if one.closed}
_GROUPS: Final = frozenset(one.id for one in REFERENCE.groups)


class InventedPlan(NamedTuple):
    """One of an authority's plans."""

    of: "Authority"
    theme: str
    year: int

    @property
    def id(self) -> str:
        """Its id."""
        return f"{self.of.id}-{self.theme}-{self.year}"

    def task(self, number: int) -> str:
        """The stream of one of its tasks."""
        return f"task:{self.id}/{number}"

    def text(self, task: DraftTask) -> str:
        """The words of a task, like those of no other plan."""
        return f"{self.of.words(task.text)}({self.year}年{THEMES[self.theme]}第{task.number}项)"

    def facts(self, issued_on: date) -> Iterator[tuple[str, Fact]]:
        """Its adoption, parts, measures and tasks, as an import records them."""
        title = f"{self.year}年{self.of.name}{THEMES[self.theme]}工作要点"
        number = f"{self.of.name}〔{self.year}〕4号"
        stream = f"plan:{self.id}"
        yield stream, PlanAdopted(title, f"{self.of.name}人民政府", number, issued_on, READING.preamble, DOCUMENT)
        for part in READING.parts:
            yield stream, PlanPartAdded(part.number, part.title, part.line)
        for one in READING.measures:
            yield (
                stream,
                PlanMeasureAdded(one.number, one.part, one.title, one.heading, one.text, one.unassigned, one.line),
            )
        for task in READING.tasks:
            yield from self._task(task)

    def _task(self, task: DraftTask) -> Iterator[tuple[str, Fact]]:
        stream = self.task(task.number)
        yield stream, TaskAdded(task.number, task.part, task.measure, self.text(task), task.open_ended, task.line)
        for one in task.assignments:
            unit = self.of.unit_named(one.unit or one.literal)
            yield stream, TaskUnitAssigned(unit, one.role, self.of.called(one.literal))
        for number, target in enumerate(task.targets, 1):
            yield stream, TaskTargetSet(number, target.literal, target.value, target.unit)


class Authority:
    """One city; `number` counts from 0."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.id = f"c{number:04}"
        first, second = divmod(number, len(_SECOND))
        self.name = f"{_FIRST[first % len(_FIRST)]}{_SECOND[second]}{'' if first < len(_FIRST) else '新'}市"
        self.actor = f"{self.id}-office"

    def unit(self, known: str) -> str:
        """The id of the unit that is patterned on one of Shanghai's."""
        return f"{self.id}-{known}"

    def unit_named(self, name: str) -> str:
        """The same by Shanghai's name."""
        return self.unit(_KNOWN[name])

    def called(self, name: str) -> str:
        """The name of one of its own."""
        return f"{self.name}{name}"

    def words(self, text: str) -> str:
        """A text of Shanghai's plan with this city's platforms."""
        for name in _PLATFORMS if self.number < WITH_PLATFORMS else ():
            text = text.replace(name, self.called(name))
        return text

    def plans(self, year: int) -> list[InventedPlan]:
        """Its plans of a year."""
        return [InventedPlan(self, theme, year) for theme in THEMES]

    def speakers(self, task: DraftTask) -> list[str]:
        """The units that should report on a task: those that lead it, else all; of a closed group its members."""
        leads = [one for one in task.assignments if one.role == Role.LEAD]
        known = [_KNOWN[one.unit or one.literal] for one in leads or task.assignments]
        units = [unit for one in known for unit in _CLOSED.get(one, (one,))]
        return [self.unit(one) for one in dict.fromkeys(units) if one not in _GROUPS and one != SUCCEEDED]

    def directory(self) -> Iterator[tuple[str, Fact]]:
        """All that it begins with."""
        for code, name in self._districts.values():
            yield f"district:{code}", DistrictRegistered(name)
        for one in REFERENCE.units:
            district = self._districts[one.district][0] if one.district else None
            yield f"unit:{self.unit(one.id)}", UnitRegistered(self.called(one.name), UnitKind(one.kind), district)
        for number in range(CENTRES + (self.number % 3 > 0)):
            yield (
                f"unit:{self.unit(f'zhong-xin-{number}')}",
                UnitRegistered(self.called(f"第{number}服务中心"), UnitKind.BODY),
            )
        for group in REFERENCE.groups:
            stream = f"unit:{self.unit(group.id)}"
            yield stream, GroupDefined(self.called(group.name), group.closed)
            for member in group.members or [one.id for one in REFERENCE.units[1:7]]:
                yield stream, GroupMemberAdded(self.unit(member))
        for one in REFERENCE.platforms if self.number < WITH_PLATFORMS else ():
            yield f"platform:{self.id}-{one.id}", PlatformRegistered(self.called(one.name))

    def reorganised(self, year: int) -> Iterator[tuple[str, Fact]]:
        """What changes in its directory in a year."""
        renamed = REFERENCE.units[10 + year % 10]
        yield f"unit:{self.unit(renamed.id)}", UnitRenamed(self.called(f"{renamed.name}({year})"))
        group, centre = f"unit:{self.unit(_OPEN[0])}", self.unit(f"zhong-xin-{year % CENTRES}")
        yield group, GroupMemberAdded(centre)
        yield group, GroupMemberRemoved(self.unit(REFERENCE.units[1 + year % 6].id))
        if year == 2021:
            yield f"unit:{self.unit('zong-ju')}", UnitRegistered(self.called("金融监管局"), UnitKind.BODY)
            yield f"unit:{self.unit(SUCCEEDED)}", UnitSucceeded((self.unit("zong-ju"),))

    @cached_property
    def _districts(self) -> dict[str | None, tuple[str, str]]:
        """By the code of one of Shanghai's districts the code and the name of its own."""
        return {
            one.code: (f"{100_000 + 100 * self.number + number}", self.called(one.name))
            for number, one in enumerate(REFERENCE.districts, 1)
        }


_PLATFORMS: Final = tuple(one.name for one in REFERENCE.platforms)
