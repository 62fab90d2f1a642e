"""What Prometheus is told: every answer counted under its address, all workers together, and nothing for the world."""

import asyncio
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from api.hosting.metrics import COMMITTED, FAMILIES, REQUESTS, Counted, Metrics, Sample, published
from api.hosting.serving import AddressTaken
from tests.conftest import PLAN, REPORT, Site, problem_of
from tests.integration.commands import Serving, place, planrecord, serving
from tests.integration.test_workers import workers_of

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


async def scraped(port: int) -> Samples:
    """The values by name and labels, as Prometheus reads them."""
    async with httpx.AsyncClient() as http:
        text = (await http.get(f"http://127.0.0.1:{port}/metrics")).text
    families = text_string_to_metric_families(text)
    return {(one.name, frozenset(one.labels.items())): one.value for family in families for one in family.samples}


def answers(samples: Samples, **wanted: str) -> float:
    """How many answers were counted under these labels."""
    name, asked = f"{REQUESTS.name}_count", wanted.items()
    return sum(value for (found, labels), value in samples.items() if found == name and labels >= asked)


def value(samples: Samples, name: str, **labels: str) -> float:
    """The one value of a name under these labels."""
    return samples[name, frozenset(labels.items())]


async def test_each_answer_is_counted_under_its_address_and_how_it_was_given(site: Site) -> None:
    metrics = Metrics(site.running.measured)
    tasks = f"{PLAN}/tasks"
    for number in range(1, 6):
        await site.get(f"{tasks}/{number}")
    first = await site.http.get(tasks)
    for _ in range(3):
        await site.get(tasks)
    await site.http.get(tasks, headers={"If-None-Match": first.headers["ETag"]})
    await site.http.get(f"{PLAN}.stratml")
    for number in range(20):
        await site.problem(404, f"/nowhere/{number}")
    await site.http.request("BREW", tasks)
    await site.http.request("STEEP", tasks)
    await site.record(REPORT)
    with published(metrics, "127.0.0.1", 0) as port:
        assert port
        found = await asyncio.wait_for(scraped(port), 10)
    listed = {"route": "/v1/plans/{plan}/tasks"}
    assert answers(found, route="/v1/plans/{plan}/tasks/{key}", status="200", remembered="no") == 5
    assert answers(found, **listed, method="GET", status="200", remembered="no") == 1
    assert answers(found, **listed, method="GET", status="200", remembered="yes") == 3
    assert answers(found, **listed, method="GET", status="304", remembered="yes") == 1
    assert answers(found, route="/v1/plans/{plan}.stratml", status="200") == 1
    assert answers(found, route="nowhere", method="GET", status="404") == 20
    assert answers(found, method="other") == 2
    assert answers(found, route="/v1/commands", method="POST", status="200") == 1
    routes = {dict(labels).get("route", "") for _, labels in found}
    assert not any(re.search(r"\d{2}|credit", one) for one in routes), "an address, and not what it is filled with"
    assert value(found, "planrecord_batch_requests_count") >= 1
    assert value(found, "planrecord_batch_facts_sum") >= 1
    assert value(found, "planrecord_queued_seconds_count") >= 1
    assert value(found, "planrecord_position", worker="1") == 353
    assert value(found, "planrecord_cache_bytes", worker="1") == site.running.reader.memory.size
    assert value(found, "planrecord_database_connections", worker="1", reading="log", state="lent") == 0
    names = {name for name, _ in found}
    assert all(any(name.startswith(one.name) for name in names) for one in FAMILIES)


def test_what_a_process_had_counted_outlives_it() -> None:
    metrics = Metrics()
    bounds = len(COMMITTED.bounds) + 1
    for pid, count in ((10, 3), (10, 5), (11, 2)):
        counts = (count, *[0] * (bounds - 1))
        metrics.heard(1, Counted(pid, [Sample(COMMITTED.name, (), count / 10, counts)]))
    metrics.heard(2, Counted(12, [Sample(COMMITTED.name, (), 0.1, (1, *[0] * (bounds - 1)))]))
    (family,) = [one for one in metrics.collect() if one.name == COMMITTED.name]
    found: dict[str, Any] = {one.name: one.value for one in family.samples}
    assert found[f"{COMMITTED.name}_count"] == 8
    assert found[f"{COMMITTED.name}_sum"] == pytest.approx(0.8)


def test_a_port_that_is_taken_is_one_sentence() -> None:
    with published(Metrics(), "127.0.0.1", 0) as port:
        assert port
        with (
            pytest.raises(AddressTaken, match=f"cannot publish metrics on 127.0.0.1:{port}: .*--metrics-port"),
            published(Metrics(), "127.0.0.1", port),
        ):
            pass


@pytest.fixture
def data() -> Iterator[Path]:
    with place() as folder:
        yield folder


async def test_one_address_answers_for_all_workers_though_one_of_them_has_died(data: Path) -> None:
    options = ("--workers", "2", "--metrics-port", "0")
    async with serving(data, "serve", *options, PLANRECORD_LOG_FORMAT="json") as served:
        port = metrics_port(served)
        workers = await workers_of(served)
        for _ in range(100):
            async with httpx.AsyncClient(base_url=served.http.base_url) as http:
                assert (await http.get("/health/live")).status_code == 200
        await counted(port, 100)
        os.kill(workers[0], signal.SIGKILL)
        await workers_of(served, frozenset([workers[0]]))
        async with httpx.AsyncClient(base_url=served.http.base_url) as http:
            for _ in range(10):
                await http.get("/health/live")
        found = await counted(port, 110)
        assert value(found, "planrecord_starts_total") == 3
        assert {dict(labels)["worker"] for name, labels in found if name == "planrecord_position"} == {"1", "2"}
        for worker in ("1", "2"):
            while value(await scraped(port), "planrecord_report_age_seconds", worker=worker) > 3:
                await asyncio.sleep(0.05)  # the new one has only just begun
        (line,) = served.complained.splitlines()
        assert '"level":"WARNING"' in line
        assert await served.stop() == 0
    with pytest.raises(httpx.TransportError):
        await scraped(port)


def metrics_port(served: Serving) -> int:
    """Where it says that its metrics are."""
    found = re.search(r"what is measured +http://127\.0\.0\.1:(\d+)/metrics", served.said)
    assert found
    return int(found[1])


async def counted(port: int, count: int) -> Samples:
    """What is told as soon as so many answers are counted that the process is alive: reports come each second."""
    for _ in range(200):
        found = await scraped(port)
        if answers(found, route="/health/live") >= count:
            assert answers(found, route="/health/live") == count
            return found
        await asyncio.sleep(0.05)
    raise AssertionError("what was answered is not counted")


async def test_nothing_is_measured_in_public_unless_it_was_asked_for(data: Path) -> None:
    async with serving(data) as served:
        assert "/metrics" not in served.said
        assert problem_of(await served.http.get("/metrics"), 404)
    code, _, err = await planrecord("serve", "--data-dir", str(data), PLANRECORD_METRICS_PORT="many")
    assert code == 2
    assert err.startswith("settings: metrics_port: ")


async def test_a_trace_that_the_client_began_stands_in_the_problem_and_in_the_log(
    site: Site, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    traced = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
    missing = await site.http.get("/v1/units/nobody", headers=traced)
    assert problem_of(missing, 404)["traceId"] == TRACE
    assert problem_of(await site.http.get("/v1/units/nobody?limit=x", headers=traced), 400)["traceId"] == TRACE
    assert problem_of(await site.http.post("/v1/commands", json=[], headers=traced), 401)["traceId"] == TRACE
    page = await site.http.get("/units/nobody", headers=traced)
    assert TRACE in page.text

    async def gone(*_: object) -> None:
        raise ConnectionResetError("the line was cut")

    caplog.clear()
    monkeypatch.setattr(site.running.pool, "lend", gone)
    monkeypatch.setattr(site.running.reader.slices, "lend", gone)
    assert problem_of(await site.http.get("/v1/events", headers=traced), 503)["traceId"] == TRACE
    (line,) = [one for one in caplog.records if one.name == "planrecord"]
    assert line.__dict__["trace"] == TRACE
    caplog.clear()
    query = "{ a: units { totalCount } b: districts { totalCount } c: event(position: 1) { type } }"
    answer = (await site.http.post("/graphql", json={"query": query}, headers=traced)).json()
    assert len(answer["errors"]) == 3, answer
    assert {one["extensions"].get("traceId") for one in answer["errors"]} == {TRACE}
    assert len([one for one in caplog.records if one.name == "planrecord"]) == 1
