"""What this process has counted: its answers, its appends, how far it sees."""

import os
import resource
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from api.hosting import metrics
from api.hosting.metrics import Counted, Family, Sample
from api.hosting.publishing import Published
from api.services.reader import Reader
from api.services.tail import LogTail
from events.database import Lanes
from events.handle import Handler
from events.histogram import SECONDS, Histogram
from events.log import Log

METHODS: Final = frozenset({"GET", "HEAD", "POST", "OPTIONS"})
NOWHERE: Final = "nowhere"  # the route of what was asked at no address, or could not be read
STATM: Final = Path("/proc/self/statm")


class Meter:
    """The answers that were given, by their route: as many tallies as there are routes, and ways in which they end."""

    def __init__(self) -> None:
        self._answers: dict[tuple[str, str, int, bool], Histogram] = {}

    def answered(self, route: str, method: str, status: int, began: float, *, remembered: bool = False) -> None:
        """Count an answer, which was begun at that time (`time.perf_counter`) and has been sent."""
        key = route, method, status, remembered
        times = self._answers.get(key)
        if times is None:
            times = self._new(*key)
        times.add(time.perf_counter() - began)

    def _new(self, route: str, method: str, status: int, remembered: bool) -> Histogram:  # noqa: FBT001 - as in the key
        # Whatever a client invents is one more method, and not one each.
        key = route, method if method in METHODS else "other", status, remembered
        return self._answers.setdefault(key, Histogram(SECONDS))

    def report(  # noqa: PLR0913, PLR0917 - all that is measured
        self,
        reader: Reader,
        tail: LogTail,
        log: Log,
        handler: Handler,
        lanes: Mapping[str, Lanes],
        published: Published,
    ) -> Counted:
        """All that is measured, of lanes by what they read; it may be asked for by another thread."""
        connections = (one for reading, of in lanes.items() for one in _of_lanes(reading, of))
        counted = *self._requests(), *_of_log(log, handler), *_of_reader(reader), *connections, *_of_process()
        measured = [*counted, Sample(metrics.FOLLOWED.name, (), tail.following), *_of_notes(published)]
        return Counted(os.getpid(), measured)

    def _requests(self) -> Iterator[Sample]:
        for (route, method, status, remembered), times in list(self._answers.items()):
            labels = route, method, str(status), "yes" if remembered else "no"
            yield _sample(metrics.REQUESTS, times, labels)


def _of_log(log: Log, handler: Handler) -> Iterator[Sample]:
    yield _sample(metrics.BATCH_REQUESTS, log.batches)
    yield _sample(metrics.BATCH_FACTS, log.facts)
    yield _sample(metrics.QUEUED, log.waits)
    yield _sample(metrics.COMMITTED, log.commits)
    yield Sample(metrics.WAITING.name, (), handler.waiting + log.waiting)


def _of_reader(reader: Reader) -> Iterator[Sample]:
    head, memory = reader.head, reader.memory
    yield _sample(metrics.LAG, head.lags)
    yield Sample(metrics.POSITION.name, (), head.size)
    yield Sample(metrics.UNHEARD.name, (), head.unheard)
    yield Sample(metrics.CACHED.name, (), memory.size)
    yield Sample(metrics.CACHE_BOUND.name, (), memory.bound)


def _of_notes(published: Published) -> Iterator[Sample]:
    if published.size is not None:
        yield Sample(metrics.SIGNED.name, (), published.size)
        yield Sample(metrics.SIGNING_LAG.name, (), published.lag)
    yield Sample(metrics.SIGNING_REFUSED.name, (), float(published.refusal is not None))


def _of_lanes(reading: str, lanes: Lanes) -> Iterator[Sample]:
    for state, count in (("lent", lanes.lent), ("idle", lanes.idle), ("waited for", lanes.waited_for)):
        yield Sample(metrics.LANES.name, (reading, state), count)


def _of_process() -> Iterator[Sample]:
    yield Sample(metrics.CPU.name, (), time.process_time())
    if STATM.exists():  # Linux
        pages = int(STATM.read_text().split()[1])
        yield Sample(metrics.RESIDENT.name, (), pages * resource.getpagesize())


def _sample(family: Family, histogram: Histogram, labels: tuple[str, ...] = ()) -> Sample:
    return Sample(family.name, labels, histogram.total, tuple(histogram.counts))
