"""One benchmark: both servers started, their answers compared, then timed in turn."""

import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median

import msgspec

from tests.benchmarks import checks
from tests.benchmarks.benchmarks import HEAD, OURSELVES, Benchmark
from tests.benchmarks.datasette import datasette
from tests.benchmarks.load import Answer, Load, Question, Wrong, ask
from tests.benchmarks.moments import Moments
from tests.benchmarks.peers import Setup
from tests.benchmarks.servers import Server, serving

WARM_UP = 1  # seconds for each side, which are not counted
Step = Callable[[str], None]


class Pair(msgspec.Struct, frozen=True):
    """One run of the peer and the run of planrecord that followed it."""

    peer: float
    value: float


class Result(msgspec.Struct, frozen=True):
    """Medians; `ratio` is the median of the runs' ratios, above 1 where planrecord is faster. `notes`: told below."""

    value: float
    unit: str
    peer: str
    ratio: float
    runs: list[Pair]
    notes: tuple[str, ...] = ()

    @property
    def ratios(self) -> list[float]:
        """The ratio of each pair of runs; none without a peer."""
        if not self.peer:
            return []
        return [one.value / one.peer if self.unit.endswith("/s") else one.peer / one.value for one in self.runs]

    @property
    def peers_value(self) -> float:
        """The peer's median."""
        return median(one.peer for one in self.runs)


def result(peer: str, unit: str, runs: list[Pair], notes: Sequence[str] = ()) -> Result:
    """The medians of some runs."""
    found = Result(median(one.value for one in runs), unit, peer, 0.0, runs, tuple(notes))
    return msgspec.structs.replace(found, ratio=median(found.ratios) if peer else 0.0)


class Bench(msgspec.Struct, frozen=True):
    """Where the servers run, how hard they are asked, and how often."""

    setup: Setup
    load: Load
    moments: Moments
    core: int
    runs: int

    async def measured(self, one: Benchmark, step: Step) -> Result:
        """The benchmark's figures."""
        return await (self.first(one, step) if one.first else self.rates(one, step))

    async def rates(self, one: Benchmark, step: Step) -> Result:
        """Answers per second, in turn; Wrong if the peer does not say the same, or if any answer fails."""
        async with serving("planrecord", self.setup, self.core) as (ours, _):
            question, answer = self._known(one, ours)
            async with self._peer(one, answer, ours) as (theirs, _):
                asked = one.asked or question
                smallest = 0 if one.unchanged else min(len(found.body) for found in self._some(one, ours))
                sides = {"peer": (theirs, asked, 0), "planrecord": (ours, question, smallest)}
                self._compare(one, (ours, question), (theirs, asked), answer)
                found = await self._in_turn(one, sides, step)
                self._compare(one, (ours, question), (theirs, asked), answer)
                return found

    async def _in_turn(self, one: Benchmark, sides: dict[str, tuple[int, Question, int]], step: Step) -> Result:
        numbers = dict.fromkeys(sides, 0)
        rates: dict[str, list[float]] = {side: [] for side in sides}
        for turn in range(-1, self.runs):
            for side, (port, question, smallest) in sides.items():
                step(f"{one.name}: {side}, {f'run {turn + 1} of {self.runs}' if turn >= 0 else 'warming up'}")
                load = self.load if turn >= 0 else msgspec.structs.replace(self.load, seconds=WARM_UP)
                run = await load.run(port, question, self.moments.arguments(numbers[side]), smallest)
                numbers[side] += run.requests + 2 * load.connections
                if turn >= 0:
                    rates[side].append(run.rate)
        if one.at_moments and numbers["planrecord"] > len(self.moments):
            raise Wrong(f"{one.name}: {len(self.moments)} moments are too few for so long a run: a cache helped")
        pairs = [Pair(round(peer, 1), round(value, 1)) for peer, value in zip(*rates.values(), strict=True)]
        return result(one.peer, "requests/s", pairs)

    def _known(self, one: Benchmark, port: int) -> tuple[Question, Answer]:
        """The question as it will be timed, and an answer to it of middling size, which a peer may give always."""
        if one.unchanged:
            tag = {name.lower(): value for name, value in ask(port, one.question).headers}["etag"]
            headers = (*one.question.headers, ("If-None-Match", tag))
            question = msgspec.structs.replace(one.question, headers=headers, status=304)
            return question, ask(port, question)
        answers = sorted(self._some(one, port), key=lambda answer: len(answer.body))
        return one.question, answers[len(answers) // 2]

    def _some(self, one: Benchmark, port: int) -> list[Answer]:
        moments = checks.sample(self.moments) if one.at_moments else [None]
        return [ask(port, one.question, moment) for moment in moments]

    @asynccontextmanager
    async def _peer(self, one: Benchmark, answer: Answer, port: int) -> AsyncGenerator[Server]:
        if one.peer == "datasette":
            peer = datasette(ask(port, HEAD), Path(self.setup.folder), self.core)
        else:
            name = "planrecord" if one.peer in OURSELVES else one.peer
            peer = serving(name, msgspec.structs.replace(self.setup, answer=answer), self.core)
        async with peer as found:
            yield found

    def _compare(self, one: Benchmark, ours: tuple[int, Question], theirs: tuple[int, Question], known: Answer) -> None:
        if one.peer in OURSELVES:
            return  # it says less
        match one.peer:
            case "json_agg":
                checks.alike(ours, theirs, self.moments)
            case "datasette":
                checks.rows(ask(*theirs), ask(ours[0], HEAD))
            case "graphql-core":
                checks.same(checks.values(known), checks.values(ask(*theirs, self.moments.pair(0))))
            case _:
                checks.identical(known, ask(*theirs))

    async def first(self, one: Benchmark, step: Step) -> Result:
        """Milliseconds to the first answer of a server that has just started and remembers nothing."""
        pairs: list[Pair] = []
        for turn in range(self.runs):
            step(f"{one.name}: start {turn + 1} of {self.runs}")
            took: list[float] = []
            for name in (one.peer, "planrecord"):
                async with serving(name, self.setup, self.core) as (port, _):
                    begun = time.perf_counter()
                    ask(port, one.question, self.moments.pair(turn))
                    took.append(round((time.perf_counter() - begun) * 1000, 2))
            pairs.append(Pair(*took))
        return result(one.peer, "ms", pairs)
