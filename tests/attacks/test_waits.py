"""Whoever waits for the database is told so after seconds, whatever has become of it, and is served when it is back."""

import asyncio
import errno
import logging
import os
import re
import signal
import tempfile
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from collections.abc import Set as AbstractSet
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from api.main import Service, service
from api.postgres import Cluster, cluster
from api.postgres.pidfile import servers_in
from domain.bundled import bundled_plan
from domain.task import RewordTask
from events.database import GONE, connect
from events.demo import set_clock
from tests.attacks.conftest import LONGEST_STEP, Victim, victim_at
from tests.conftest import IMPORTED_AT, PLAN, TASK, Site, problem_of, serving, settings_for
from tests.contract.test_problems import READS, address, question
from tests.disks import disk

PROMPT = 8.0  # seconds: the patience of 5, and something for 250 who ask at once on a busy machine
HEALTH = "/health/ready"
WITHOUT_DATABASE = {"/openapi.json", "/schema.graphql", "/docs", "/graphql", "/health/live"}
FROM_THE_HEAD = {  # no row is needed, but a head that was heard of lately
    "/v1/export/{export}.csv-metadata.json",
    "/v1/export/{export}.ndjson-metadata.json",
}
QUERY = '{ task(id: "shanghai-credit-2023/%d") { number } }'
REWORD = {"type": "task.reword", "task": TASK, "text": "改后的措辞", "reason": "试"}


async def begin(dsn: str, folder: Path) -> None:
    """Begin a record with the bundled plan."""
    async with service(settings_for(dsn, folder)) as running:
        async with running.pool.acquire() as connection:
            await set_clock(connection, IMPORTED_AT)
        await running.office.record([bundled_plan()])


@pytest.fixture(scope="module")
async def own(folder: Path) -> AsyncGenerator[Cluster]:
    """A PostgreSQL of this page's own, which is stopped and goes on."""
    async with cluster(folder / "waits", options={"fsync": "off"}) as made:
        await begin(made.dsn, folder)
        yield made


@pytest.fixture(scope="module")
async def attacked(own: Cluster, folder: Path) -> AsyncGenerator[Victim]:
    """A server on it, which each attack leaves as it was: it is served again when the database goes on."""
    async with victim_at(own.dsn, folder) as victim:
        yield victim


@contextmanager
def stopped(*pids: int) -> Generator[None]:
    """These processes stand still, with every connection open: nobody is told."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


@asynccontextmanager
async def within(seconds: float) -> AsyncGenerator[None]:
    """The block takes no longer; the time that it takes is asserted, not cut short."""
    begun = time.monotonic()
    yield
    assert time.monotonic() - begun < seconds


async def unavailable(asked: Awaitable[httpx.Response], *codes: str) -> None:
    """It is refused for now, in words, in time."""
    async with within(PROMPT):
        response = await asked
    problem = problem_of(response, 503)
    assert problem["code"] in (codes or ("database_unavailable",)), problem
    assert int(response.headers["Retry-After"]) > 0
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert problem["detail"]


async def asked_lightly(victim: Victim, target: str) -> httpx.Response:
    """The answer to a client that does next to nothing: 200 of httpx's are slower than what they ask."""
    reader, writer = await asyncio.open_connection("127.0.0.1", victim.port)
    writer.write(f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    status, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
    headers = httpx.Headers([(name, value) for name, _, value in (line.partition(": ") for line in lines)])
    content = await reader.readexactly(int(headers["Content-Length"]))
    writer.close()
    return httpx.Response(int(status.split()[1]), headers=headers, content=content)


async def write(victim: Victim, text: str = "改后的措辞") -> httpx.Response:
    """Try to record something."""
    return await victim.http.post("/v1/commands", json=REWORD | {"text": text}, headers=victim.bearer)


async def everybody_is_told(victim: Victim, word: str, answering: AbstractSet[str] = frozenset()) -> None:
    """Every address but those that still answer, and 200 readers at once."""
    spared = WITHOUT_DATABASE | answering
    needing = [path for path in READS if path not in spared and not path.startswith("/assets")]
    crowd = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=victim.http.base_url, timeout=60, limits=crowd) as http:
        await asyncio.gather(
            *(unavailable(http.get(address(path) + question(path))) for path in needing),
            *(unavailable(asked_lightly(victim, f"/v1/units?q={quote(word)}{number}")) for number in range(200)),
            unavailable(write(victim), "not_begun"),
            refused_graphql(http, word),
        )


async def refused_graphql(http: httpx.AsyncClient, word: str) -> None:
    """GraphQL says the same in its own form."""
    async with within(PROMPT):
        query = QUERY % 21 + f" # {word}"
        (error,) = (await http.post("/graphql", json={"query": query})).json()["errors"]
    assert error["extensions"]["code"] == "database_unavailable"


async def until_ready(victim: Victim) -> None:
    """Wait until it says that all is well."""
    for _ in range(200):
        response = await victim.http.get(HEALTH)
        if response.status_code == 200 and response.json()["listening"]:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it does not come back")


async def test_a_database_that_stands_still_is_waited_for_some_seconds_and_then_named(
    attacked: Victim, own: Cluster
) -> None:
    with stopped(*servers_in(own.data)):
        async with attacked.costs() as cost:
            await everybody_is_told(attacked, "once", FROM_THE_HEAD)
            async with within(0.5):
                assert (await attacked.http.get("/health/live")).status_code == 200
            await asyncio.sleep(1)
            await everybody_is_told(attacked, "again, while it is deaf")
            response = await attacked.http.get(HEALTH)
            assert "nothing was heard of the log" in problem_of(response, 503)["detail"]
    assert cost.longest <= LONGEST_STEP, cost
    await until_ready(attacked)
    await attacked.is_honest()
    assert (await write(attacked, "又改")).status_code == 200


async def test_what_was_begun_when_the_database_stood_still_is_unacknowledged_or_not_begun(
    attacked: Victim, own: Cluster
) -> None:
    """Whoever sends it again with the same key finds it recorded once."""
    texts = [f"第{number}稿" for number in range(30)]

    async def send(text: str) -> httpx.Response:
        headers = attacked.bearer | {"Idempotency-Key": str(texts.index(text))}
        return await attacked.http.post("/v1/commands", json=REWORD | {"text": text}, headers=headers)

    asked = [asyncio.create_task(send(text)) for text in texts]
    await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
    with stopped(*servers_in(own.data)):
        async with within(PROMPT + 4):
            answers = await asyncio.gather(*asked)
    codes = {problem_of(one, 503)["code"] for one in answers if one.status_code == 503}
    assert codes <= {"not_begun", "unacknowledged"}
    await until_ready(attacked)
    for text in texts:
        for _ in range(2):
            response = await send(text)
            assert response.status_code in {200, 409}, response.text
    connection = await connect(own.dsn)
    rows = await connection.fetch("SELECT convert_from(entry, 'UTF8') AS leaf FROM events WHERE position > 352")
    await connection.close()
    for text, answer in zip(texts, answers, strict=True):
        found = sum(f'"text":"{text}"' in row["leaf"] for row in rows)
        assert found <= 1
        assert found == 1 or answer.status_code != 200


async def test_who_is_decided_behind_a_commit_that_does_not_end_does_not_wait_for_its_end(
    attacked: Victim, own: Cluster
) -> None:
    """The first waits for the head that somebody holds when the database stands still, the second for the first."""
    connection = await connect(own.dsn)
    async with connection.transaction():
        await connection.execute("SELECT 1 FROM log_head FOR UPDATE")
        first = asyncio.create_task(write(attacked, "前"))
        await asyncio.sleep(0.3)
        second = asyncio.create_task(write(attacked, "后"))
        await asyncio.sleep(0.3)
        with stopped(*servers_in(own.data)):
            await unavailable(second, "not_begun")
            assert not first.done()
            async with within(PROMPT):
                assert (await first).status_code == 503
    await connection.close()
    await until_ready(attacked)


async def test_those_who_wait_to_see_what_they_recorded_do_not_wait_one_after_the_other(
    own: Cluster, folder: Path
) -> None:
    """What was recorded just before the database stood still."""
    async with service(settings_for(own.dsn, folder)) as running:
        head = running.reader.head
        beyond = head.size + 1
        with stopped(*servers_in(own.data)):
            async with within(PROMPT):
                ends = await asyncio.gather(*(head.see(beyond) for _ in range(9)), return_exceptions=True)
    assert all(isinstance(one, GONE) for one in ends), ends


async def test_a_server_whose_database_stands_still_obeys_within_ten_seconds(own: Cluster, folder: Path) -> None:
    async with victim_at(own.dsn, folder) as victim:
        await victim.is_honest()
        with stopped(*servers_in(own.data)):
            reading = asyncio.create_task(victim.http.get("/v1/units", params={"q": "x"}))
            writing = asyncio.create_task(write(victim))
            await asyncio.sleep(0.5)
            assert victim.process.stdin
            victim.process.stdin.close()
            assert await asyncio.wait_for(victim.process.wait(), 10) == 0
            await asyncio.gather(reading, writing, return_exceptions=True)


async def listener(dsn: str) -> int:
    """The process behind the connection that listens: it alone asks for the head now and then."""
    connection = await connect(dsn)
    await asyncio.sleep(3)
    found: int = await connection.fetchval(
        "SELECT pid FROM pg_stat_activity WHERE query LIKE '%instants%' AND pid <> pg_backend_pid() "
        "ORDER BY query_start DESC LIMIT 1"
    )
    await connection.close()
    return found


async def test_a_connection_that_listens_to_nobody_is_noticed_and_called_again(
    attacked: Victim, own: Cluster, folder: Path
) -> None:
    """The listening connection alone stands still: half open, as after a failure of the network."""
    with stopped(await listener(own.dsn)):
        begun = time.monotonic()
        async with service(settings_for(own.dsn, folder)) as other:
            receipt = await other.office.record([RewordTask(task=TASK, text=f"{begun}", reason="试")])
        asked = await attacked.http.get(f"{PLAN}/tasks/21", params={"minPosition": receipt.position})
        assert asked.json()["text"] == f"{begun}"
        while (await attacked.http.get(HEALTH)).json().get("visible", 0) < receipt.position:
            assert time.monotonic() - begun < PROMPT
            await asyncio.sleep(0.1)
        await until_ready(attacked)
        assert time.monotonic() - begun < 10


@pytest.fixture
async def cut_off(imported: Service, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Site]:
    """A server that answers over its lanes, and whose calls for a connection to listen by are refused."""
    monkeypatch.setattr("events.head.HEARTBEAT", 0.2)

    async def refused(_: str) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr("api.main.connect", refused)
    async with serving(imported) as site:
        async with imported.pool.acquire() as connection:
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE '%instants%'"
            )
        yield site


async def test_who_is_deaf_for_long_is_not_ready_says_since_when_and_answers_rightly(
    cut_off: Site, folder: Path
) -> None:
    await cut_off.get(PLAN)
    await asyncio.sleep(1)
    response = await cut_off.http.get(HEALTH)
    problem = problem_of(response, 503)
    assert problem["code"] == "behind"
    said = re.search(r"for (\d+) s nothing was heard of the log", problem["detail"])
    assert said
    assert 1 <= int(said[1]) < PROMPT
    assert int(response.headers["Retry-After"]) > 0
    async with service(settings_for(cut_off.running.dsn, folder)) as other:
        pass
    async with cut_off.running.pool.acquire() as connection:
        await set_clock(connection, IMPORTED_AT.replace(month=5))
    assert (await cut_off.get(PLAN))["meta"]["effectiveOn"] == "2023-05-03"
    assert other


# The queue


@asynccontextmanager
async def held(site: Site) -> AsyncGenerator[None]:
    """Nobody can append for as long as the block lasts."""
    connection = await connect(site.running.dsn)
    async with connection.transaction():
        await connection.execute("SELECT 1 FROM log_head FOR UPDATE")
        yield
    await connection.close()


async def sent(site: Site, *texts: str) -> list[asyncio.Task[httpx.Response]]:
    """Edits of different tasks: the first is being committed, the second is decided, and the others wait."""
    tasks = list[asyncio.Task[httpx.Response]]()
    for number, text in enumerate(texts, 1):
        command = REWORD | {"task": f"shanghai-credit-2023/{number}", "text": text}
        tasks.append(asyncio.create_task(site.send(command)))
        await asyncio.sleep(0.3 if number <= 2 else 0.05)
    return tasks


async def test_when_too_many_wait_the_next_is_refused_at_once(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("events.queue.MAX_WAITING", 2)
    async with held(site):
        tasks = await sent(site, *map(str, range(8)))
        async with within(1):
            for task in tasks[4:]:
                response = await task
                assert problem_of(response, 503)["code"] == "not_begun"
                assert int(response.headers["Retry-After"]) > 0
        assert not any(task.done() for task in tasks[:4])
    assert [(await task).status_code for task in tasks[:4]] == [200] * 4
    assert (await site.get("/v1/events", after=352))["items"].__len__() == 4


async def test_a_client_that_goes_while_it_waits_has_recorded_nothing(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    async with held(site):
        (first,) = await sent(site, "一")
        async with httpx.AsyncClient(base_url=site.http.base_url, timeout=0.4) as impatient:
            headers = {"Authorization": f"Bearer {site.running.token}"}
            command = REWORD | {"task": "shanghai-credit-2023/2", "text": "二"}
            with pytest.raises(httpx.ReadTimeout):
                await impatient.post("/v1/commands", json=command, headers=headers)
        third = asyncio.create_task(site.send(REWORD | {"task": "shanghai-credit-2023/3", "text": "三"}))
        await asyncio.sleep(0.3)
    assert {(await first).status_code, (await third).status_code} == {200}
    items = (await site.get("/v1/events", after=352))["items"]
    assert [item["data"]["text"] for item in items] == ["一", "三"]
    assert not [one for one in caplog.records if one.name != "httpx"], "nobody is to blame"


async def test_what_only_has_to_wait_is_no_error_of_ours(
    site: Site, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.services.reader.VISIBLE_WITHIN", 0.05)
    caplog.set_level(logging.WARNING)
    problem = await site.problem(503, PLAN, minPosition=1_000)
    assert problem["code"] == "not_visible_yet"
    assert {one.levelname for one in caplog.records} == {"WARNING"}


# What the database says when something is wrong with it


Mend = Callable[[], Awaitable[Any]]


async def script(site: Site, sql: str) -> None:
    """Do something to the database."""
    connection = await connect(site.running.dsn)
    await connection.execute(sql)
    await connection.close()


async def test_a_database_without_room_is_named_and_taken_up_again(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    no_room = "RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'"
    await script(
        site,
        f"CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {no_room}; END $$;"
        "CREATE TRIGGER full_disk BEFORE INSERT ON events FOR EACH STATEMENT EXECUTE FUNCTION no_room()",
    )
    response = await site.send(REWORD)
    assert problem_of(response, 503)["code"] == "disk_full"
    assert int(response.headers["Retry-After"]) > 0
    assert site.running.log.full
    assert (await site.get(f"{PLAN}/tasks/21"))["text"] != REWORD["text"]
    assert (await site.get("/health/ready"))["status"] == "ready", "a write of its own found room"
    assert "Traceback" not in caplog.text
    await script(site, "DROP TRIGGER full_disk ON events")
    assert (await site.record(REWORD))["position"] == 353
    assert not site.running.log.full


@pytest.mark.parametrize(
    ("broken", "mended"),
    [
        ("ALTER SCHEMA projections RENAME TO elsewhere", "ALTER SCHEMA elsewhere RENAME TO projections"),
        ("ALTER TABLE log_head RENAME TO elsewhere", "ALTER TABLE elsewhere RENAME TO log_head"),
    ],
)
async def test_a_database_that_is_not_what_it_was_is_no_mistake_of_ours(
    site: Site, caplog: pytest.LogCaptureFixture, broken: str, mended: str
) -> None:
    await script(site, broken)
    answer = await site.send(REWORD)
    assert problem_of(answer, 503)["code"] in {"not_begun", "database_unavailable"}
    if "log_head" in broken:
        await unavailable(site.http.get(HEALTH))
    else:
        await unavailable(site.http.get(f"{PLAN}/tasks/20"))
    assert "does not exist" in caplog.text, "the operator reads what the database said"
    assert "Traceback" not in caplog.text
    await script(site, mended)
    await site.record(REWORD)
    assert (await site.get(f"{PLAN}/tasks/21"))["text"] == REWORD["text"]


@pytest.fixture
def small_disk() -> Generator[Path]:
    """A disk that holds a database and little more."""
    with tempfile.TemporaryDirectory(prefix="planrecord-small-") as name:
        Path(name).chmod(0o755)
        with disk(Path(name), "120m", lazy=True):
            yield Path(name)


def filled(place: Path) -> Path:
    """A file that takes all the room there is."""
    filling = place / "filling"
    with filling.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12):
            try:
                while True:
                    file.write(bytes(size))
            except OSError as error:
                assert error.errno == errno.ENOSPC  # noqa: PT017
    return filling


@pytest.mark.disk
async def test_a_disk_that_is_full_loses_nothing_and_stops_nobody_from_reading(small_disk: Path, folder: Path) -> None:
    options = {"min_wal_size": "32MB", "max_wal_size": "32MB", "autovacuum": "off"}
    async with cluster(small_disk / "data", options=options) as own:
        await begin(own.dsn, folder)
        async with service(settings_for(own.dsn, folder)) as running, serving(running) as site:
            filling = await asyncio.to_thread(filled, small_disk)
            acknowledged = await until_full(site)
            response = await site.http.get(HEALTH)
            assert problem_of(response, 503)["code"] == "disk_full"
            assert (await site.get(f"{PLAN}/tasks/66"))["number"] == 66
            filling.unlink()
            assert (await site.get(HEALTH))["position"] == acknowledged
            assert (await site.record(*long_words(99)))["position"] == acknowledged + 50


def long_words(round_: int) -> list[dict[str, Any]]:
    """Edits that take room."""
    tasks = range(1, 51)
    return [
        REWORD | {"task": f"shanghai-credit-2023/{number}", "text": f"{round_} " + os.urandom(900).hex()}
        for number in tasks
    ]


async def until_full(site: Site) -> int:
    """Record until the disk is full; the last position that was acknowledged."""
    position = 352
    for round_ in range(60):
        response = await site.send(long_words(round_))
        if response.status_code != 200:
            assert problem_of(response, 503)["code"] == "disk_full"
            return position
        position = response.json()["position"]
    raise AssertionError("there is still room")
