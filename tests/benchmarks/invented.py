"""A large record, INVENTED and always the same: what many authorities record in five years, patterned on Shanghai's.

Of a million facts there are 301 authorities with ten plans each: 3,010 plans, 201,670 tasks, 20,000 units. Facts are
made here, not decided; what the rules want of them holds (`tests/unit/test_invented.py`). Day follows day, and of the
requests of one day no two write to the same stream.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from hashlib import sha256
from itertools import groupby
from random import Random
from typing import Final, NamedTuple

from domain.document.draft import DraftTask
from domain.fact import Fact
from domain.report import Evidence, Measurement, ProgressReported
from domain.task import (
    TaskDeadlineSet,
    TaskMoved,
    TaskReworded,
    TaskUnitAssigned,
    TaskUnitReleased,
    TaskWithdrawn,
)
from domain.values import SHANGHAI, Role, Status
from events.erasable import Sealer
from events.proposal import NewFact, new_request_id
from events.recorded import Cause
from tests.benchmarks.authority import READING, Authority, InventedPlan

INVENTED: Final = "【虚构示例】"
FACTS_EACH: Final = 3_333  # of an authority, at least
YEARS: Final = range(2019, 2024)
TURNS: Final = 10  # days of each step of a year: a tenth of the authorities has its turn on each of them
SHARES: Final = {"Q2": 0.14, "Q3": 0.17, "Q4": 0.2}  # of those who should report for a quarter, those who do
REPORTED: Final = 63  # tasks of a plan that are reported on; of those behind them it is edited who takes part

Said = tuple[str, Fact]


class Request(NamedTuple):
    """What one office has recorded at once, at an instant."""

    actor: str
    instant: datetime
    new: Sequence[NewFact]


def authorities_of(size: int) -> int:
    """How many authorities record so many facts."""
    return -(-size // FACTS_EACH)


def requests(size: int) -> Iterator[Request]:
    """The requests of a record of exactly so many facts, in the order in which they are recorded."""
    inventing, left = _Inventing(), size
    authorities = [Authority(number) for number in range(authorities_of(size))]
    for day, make in inventing.calendar():
        for one in authorities[day.day % TURNS :: TURNS]:
            for request in make(one, day):
                yield request._replace(new=request.new[:left])
                left -= len(request.new)
                if left <= 0:
                    return
                inventing.size += len(request.new)
    raise ValueError(f"only {size - left} of {size} facts were invented")


Make = Callable[[Authority, date], Iterator[Request]]


class _Inventing:
    """What happens on each day; `size` is that of the log so far, so that a correction can name a position."""

    def __init__(self) -> None:
        self.size = 0
        self._first: dict[str, tuple[int, NewFact]] = {}  # of each plan the first report, and where it stands

    def calendar(self) -> Iterator[tuple[date, Make]]:
        """Each day on which something is recorded, and what."""
        yield from _turns(2018, 12, self.directory)
        for year in YEARS:
            yield from _turns(year, 3, self.adopted)
            yield from _turns(year, 5, self.deadlines)
            yield from _turns(year, 7, lambda one, day: self.reports(one, day, "Q2"))
            yield from _turns(year, 9, self.edits)
            yield from _turns(year, 10, lambda one, day: self.reports(one, day, "Q3"))
            yield from _turns(year, 11, self.corrections)
            yield from _turns(year, 12, self.reorganised)
            yield from _turns(year + 1, 1, lambda one, day: self.reports(one, day, "Q4"))

    def directory(self, one: Authority, day: date) -> Iterator[Request]:
        """Its districts, units, groups and platforms."""
        yield _request(one, day, "unit.register", one.directory())

    def adopted(self, one: Authority, day: date) -> Iterator[Request]:
        """Its plans of the year, recorded a week after their date."""
        for plan in one.plans(day.year):
            yield _request(one, day, "plan.import", plan.facts(day - timedelta(days=7)), on=day - timedelta(days=7))

    def deadlines(self, one: Authority, day: date) -> Iterator[Request]:
        """Of each plan four tasks get a deadline."""
        for plan in one.plans(day.year):
            chosen = _chance(f"{plan.id}/due").sample(range(1, REPORTED + 1), 4)
            due = ((plan.task(number), TaskDeadlineSet(date(day.year, 6 + number % 7, 30))) for number in chosen)
            yield _request(one, day, "task.set_deadline", due)

    def edits(self, one: Authority, day: date) -> Iterator[Request]:
        """Words change, of one task by a day that has passed; of others who takes part, its place, whether it stays."""
        for plan in one.plans(day.year):
            chance = _chance(f"{plan.id}/edits")
            late, other = chance.sample(range(1, REPORTED + 1), 2)
            yield _request(one, day, "task.reword", [_reworded(plan, late)], on=day - timedelta(days=20 + late))
            released = READING.tasks[64].assignments[0]
            yield _request(
                one,
                day,
                "task.reword",
                [
                    _reworded(plan, other),
                    (plan.task(65), TaskUnitReleased(one.unit_named(released.unit or released.literal))),
                    (plan.task(65), TaskUnitAssigned(one.unit("tuan-shi-wei"), Role.LEAD, one.called("团市委"))),
                    (plan.task(66), TaskMoved(1, 1)),
                    *([(plan.task(67), TaskWithdrawn())] if chance.random() < 0.2 else []),
                ],
            )

    def reports(self, one: Authority, day: date, quarter: str) -> Iterator[Request]:
        """What is reported on its plans for a quarter, part by part."""
        for plan in one.plans(day.year - (quarter == "Q4")):
            period, chance = f"{plan.year}-{quarter}", _chance(f"{plan.id}/{quarter}")
            sealer = Sealer(lambda chance=chance: chance.randbytes(16))
            for _, tasks in groupby(READING.tasks[:REPORTED], key=lambda task: task.part):
                said = [
                    (f"report:{plan.id}/{task.number}/{unit}", _report(task, unit, period, sealer, chance))
                    for task in tasks
                    for unit in one.speakers(task)
                    if chance.random() < SHARES[quarter]
                ]
                request = _request(one, day, "progress.report", said, on=_END[quarter](plan.year), sealer=sealer)
                if request.new:
                    self._first.setdefault(plan.id, (self.size + 1, request.new[0]))
                    yield request

    def corrections(self, one: Authority, day: date) -> Iterator[Request]:
        """Of each plan the first report was wrong."""
        for plan in one.plans(day.year):
            if plan.id in self._first:
                position, wrong = self._first.pop(plan.id)
                assert isinstance(wrong.fact, ProgressReported)
                chance = _chance(f"{plan.id}/correction")
                sealer = Sealer(lambda chance=chance: chance.randbytes(16))
                words = sealer(f"{INVENTED}更正:原报告有误,为测量而编写。")
                right = ProgressReported(wrong.fact.period, Status.DELAYED, words)
                said = [(wrong.stream, right)]
                made = _request(one, day, "progress.report", said, on=wrong.effective_on, sealer=sealer)
                yield made._replace(new=[made.new[0]._replace(replaces=position)])

    def reorganised(self, one: Authority, day: date) -> Iterator[Request]:
        """Units change their names, groups their members; in 2021 one is succeeded."""
        yield _request(one, day, "unit.rename", one.reorganised(day.year))


_END: Final[dict[str, Callable[[int], date]]] = {
    "Q2": lambda year: date(year, 6, 30),
    "Q3": lambda year: date(year, 9, 30),
    "Q4": lambda year: date(year, 12, 31),
}


def _turns(year: int, month: int, make: Make) -> Iterator[tuple[date, Make]]:
    return ((date(year, month, day), make) for day in range(1, TURNS + 1))


def _request(  # noqa: PLR0913 - whose, when, what, and what stands in each envelope
    one: Authority,
    day: date,
    command: str,
    said: Iterable[Said],
    *,
    on: date | None = None,
    sealer: Sealer | None = None,
) -> Request:
    """A request of an authority's office at nine on that day."""
    instant, said = datetime.combine(day, time(9), SHANGHAI), list(said)
    name = f"{one.id} {command} {day} {said[0][0] if said else ''}"
    cause = Cause(
        command,
        new_request_id(instant, sha256(name.encode()).digest()[:10]),
        f"{INVENTED}为测量而编写",
        f"{one.name}〔{day.year}〕{1 + day.month}号",
    )
    new = [
        NewFact(stream, fact, on or day, None, cause, sealer.behind(fact) if sealer else ()) for stream, fact in said
    ]
    return Request(one.actor, instant, new)


def _chance(words: str) -> Random:
    """What is always the same for the same words."""
    return Random(words)  # noqa: S311 - nobody is to be kept from guessing


def _reworded(plan: InventedPlan, number: int) -> Said:
    return plan.task(number), TaskReworded(f"{plan.text(READING.tasks[number - 1])}并形成可复制的经验。")


def _report(task: DraftTask, unit: str, period: str, sealer: Sealer, chance: Random) -> ProgressReported:
    status = chance.choices(list(Status), (8, 4, 10, 48, 30))[0]
    title = sealer(f"{INVENTED}工作简报") if chance.random() < 0.5 else None
    evidence = Evidence(f"https://example.org/invented/{unit}/{period}/{task.number}", title)
    target = task.targets[0] if task.targets and status is Status.COMPLETED else None
    return ProgressReported(
        period,
        status,
        sealer(f"{INVENTED}{unit}关于任务{task.number}在{period}的进展:为测量而编写,并非事实。"),
        Measurement(target.value, target.unit, 1) if target else None,
        (evidence,) if title else (),
    )
