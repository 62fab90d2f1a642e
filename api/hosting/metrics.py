"""What is measured, for all processes of one start together, in Prometheus' format at an address of its own.

Processes count by themselves (`events/histogram.py`) and report each second; here the reports are added up and printed
by prometheus_client. Its own counters, shared by way of mapped files, cost several times as much, on every request.
"""

import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, Literal

import msgspec
from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

from api.hosting.serving import AddressTaken, address_named
from events.histogram import COUNTS, SECONDS

_Kind = Literal["counter", "gauge", "histogram"]
Labels = tuple[str, ...]


class Family(msgspec.Struct, frozen=True):
    """What is measured under a name: in words, by which labels, and between which bounds if it is a histogram.

    Counters and histograms are added up over all processes, the ones that have ended included; of a gauge each process
    that runs has its own, by the label `worker`.
    """

    name: str
    kind: _Kind
    help: str
    labels: Labels = ()
    bounds: tuple[float, ...] = ()


REQUESTS: Final = Family(
    "planrecord_request_seconds",
    "histogram",
    "Time from a request's head to the last byte that was handed on, by the address as /openapi.json has it.",
    ("route", "method", "status", "remembered"),
    SECONDS,
)
BATCH_REQUESTS: Final = Family(
    "planrecord_batch_requests", "histogram", "Requests that one transaction appended.", (), COUNTS
)
BATCH_FACTS: Final = Family("planrecord_batch_facts", "histogram", "Facts that one transaction appended.", (), COUNTS)
QUEUED: Final = Family(
    "planrecord_queued_seconds", "histogram", "Time that a request waited for its transaction.", (), SECONDS
)
COMMITTED: Final = Family(
    "planrecord_commit_seconds", "histogram", "Time that a transaction took that appends.", (), SECONDS
)
LAG: Final = Family(
    "planrecord_head_lag_seconds",
    "histogram",
    "Time from the recording of a fact until this process shows it; not under a demo's clock.",
    (),
    SECONDS,
)
CPU: Final = Family("planrecord_cpu_seconds", "counter", "Processor time that was used.")
STARTS: Final = Family("planrecord_starts", "counter", "Processes that were started, those again included.")
POSITION: Final = Family("planrecord_position", "gauge", "The size of the log that is shown.")
UNHEARD: Final = Family("planrecord_unheard_seconds", "gauge", "Time since the log was last heard of.")
WAITING: Final = Family("planrecord_queued_requests", "gauge", "Requests that wait to be appended.")
FOLLOWED: Final = Family("planrecord_followers", "gauge", "Streams and subscriptions that go on.")
CACHED: Final = Family("planrecord_cache_bytes", "gauge", "What is remembered.")
CACHE_BOUND: Final = Family("planrecord_cache_bound_bytes", "gauge", "What may be remembered.")
LANES: Final = Family(
    "planrecord_database_connections",
    "gauge",
    "Connections for reading that are lent or idle, and who waits for one, by what they read.",
    ("reading", "state"),
)
SIGNED: Final = Family("planrecord_signed_position", "gauge", "The size of the log that was signed last.")
SIGNING_LAG: Final = Family(
    "planrecord_signing_lag_seconds", "gauge", "Time for which the log has been larger than what was signed last."
)
SIGNING_REFUSED: Final = Family(
    "planrecord_signing_refused", "gauge", "1 while the log is not signed; /health/ready says why."
)
RESIDENT: Final = Family("planrecord_resident_bytes", "gauge", "Memory that the process has.")
SILENT: Final = Family("planrecord_report_age_seconds", "gauge", "Time since the process last reported.")
REBUILT: Final = Family("planrecord_rebuilt_facts", "gauge", "Facts that this start has folded to rebuild the tables.")
FAMILIES: Final = (
    *(REQUESTS, BATCH_REQUESTS, BATCH_FACTS, QUEUED, COMMITTED, LAG, CPU, STARTS),
    *(POSITION, UNHEARD, WAITING, FOLLOWED, CACHED, CACHE_BOUND, LANES, SIGNED, SIGNING_LAG, SIGNING_REFUSED),
    *(RESIDENT, SILENT, REBUILT),
)


class Sample(msgspec.Struct, frozen=True, array_like=True):
    """A value of a family under its labels; of a histogram the sum, and the counts between its bounds."""

    family: str
    labels: Labels
    value: float
    counts: tuple[int, ...] = ()


class Counted(msgspec.Struct, frozen=True):
    """What a process has counted since it began, and how it stands now."""

    pid: int
    measured: Sequence[Sample]


class Metrics(Collector):
    """The reports of all processes, added up. `own` is the report of this one, if it serves itself.

    `starts` and `rebuilt` are what this process knows of the whole.
    """

    def __init__(self, own: Callable[[], Counted] | None = None) -> None:
        self.own = own
        self.starts = 1
        self.rebuilt = 0
        self._reports: dict[int, tuple[Counted, float]] = {}
        self._past: dict[tuple[str, Labels], Sample] = {}
        self._lock = threading.Lock()

    def folded(self, count: int) -> None:
        """Count facts that a rebuild has folded."""
        self.rebuilt += count

    def heard(self, number: int, report: Counted) -> None:
        """Take a report of the process of that number, from 1 on: the first of another pid is its successor's."""
        with self._lock:
            before, _ = self._reports.get(number, (report, 0.0))
            if before.pid != report.pid:
                _add(self._past, before)
            self._reports[number] = report, time.monotonic()

    def collect(self) -> Iterator[Any]:
        """The families as prometheus_client prints them."""
        if self.own:
            self.heard(1, self.own())
        with self._lock:
            reports, totals = dict(self._reports), dict(self._past)
        for report, _ in reports.values():
            _add(totals, report)
        totals[STARTS.name, ()] = Sample(STARTS.name, (), self.starts)
        for family in FAMILIES:
            if family.kind == "gauge":
                yield _gauge(family, self._gauges(family, reports))
            else:
                yield _total(family, [one for (name, _), one in sorted(totals.items()) if name == family.name])

    def _gauges(self, family: Family, reports: dict[int, tuple[Counted, float]]) -> Iterator[tuple[Labels, float]]:
        if family is REBUILT:
            yield (), self.rebuilt
        for number, (report, when) in sorted(reports.items()):
            if family is SILENT:
                yield (str(number),), time.monotonic() - when
            for one in report.measured:
                if one.family == family.name:
                    yield (str(number), *one.labels), one.value


def _add(totals: dict[tuple[str, Labels], Sample], report: Counted) -> None:
    """Add what a process has counted."""
    for one in report.measured:
        before = totals.get((one.family, one.labels))
        if before is None:
            totals[one.family, one.labels] = one
            continue
        counts = tuple(map(sum, zip(before.counts, one.counts, strict=True)))
        totals[one.family, one.labels] = Sample(one.family, one.labels, before.value + one.value, counts)


def _gauge(family: Family, values: Iterator[tuple[Labels, float]]) -> GaugeMetricFamily:
    own = () if family is REBUILT else ("worker",)
    made = GaugeMetricFamily(family.name, family.help, labels=[*own, *family.labels])
    for labels, value in values:
        made.add_metric(labels, value)
    return made


def _total(family: Family, values: Sequence[Sample]) -> CounterMetricFamily | HistogramMetricFamily:
    if family.kind == "counter":
        counter = CounterMetricFamily(family.name, family.help, labels=family.labels)
        for one in values:
            counter.add_metric(one.labels, one.value)
        return counter
    made = HistogramMetricFamily(family.name, family.help, labels=family.labels)
    for one in values:
        made.add_metric(one.labels, list(_buckets(family.bounds, one.counts)), one.value)
    return made


def _buckets(bounds: Sequence[float], counts: Sequence[int]) -> Iterator[tuple[str, float]]:
    """How many were at most each bound."""
    so_far = 0
    for bound, count in zip([*map(str, bounds), "+Inf"], counts, strict=True):
        so_far += count
        yield bound, so_far


@contextmanager
def published(metrics: Metrics, host: str, port: int | None) -> Generator[int | None]:
    """Answer Prometheus at an address for as long as the block lasts; the port, or None where none is wanted."""
    if port is None:
        yield None
        return
    registry = CollectorRegistry()
    registry.register(metrics)
    try:
        server, thread = start_http_server(port, host, registry)
    except OSError as error:
        what = f"cannot publish metrics on {address_named(host, port)}: {error.strerror}"
        raise AddressTaken(f"{what}; choose another with --metrics-port") from error
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
