"""Whoever asks for more work than is done for one client is told so before it is done, at every door."""

import asyncio
import re
import signal
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import date, timedelta
from ipaddress import ip_address
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from api.exports import exporting, workshop
from api.http import limits
from api.main import application, service
from tests.attacks.test_exports import made_by
from tests.conftest import PLAN, Site, database_of, problem_of, serving, settings_for
from tests.sockets import PROTOCOL, Line

QUOTA = 600  # milliseconds a minute: those that are used are not back before the test is over
HEAVY, OTHER = "203.0.113.7", "203.0.113.8"
QUERY = {"query": "{ plans { totalCount } }"}
DOORS: dict[str, Callable[[httpx.AsyncClient], Awaitable[httpx.Response]]] = {
    "a list": lambda http: http.get(f"{PLAN}/tasks"),
    "its head": lambda http: http.head(f"{PLAN}/tasks"),
    "what is remembered": lambda http: http.get("/v1/units"),
    "a whole list": lambda http: http.get("/v1/events.ndjson"),
    "a page": lambda http: http.get("/"),
    "a feed": lambda http: http.get("/feeds/events.atom"),
    "a stream": lambda http: http.get("/v1/stream"),
    "GraphQL": lambda http: http.post("/graphql", json=QUERY),
    "GraphQL in an address": lambda http: http.get("/graphql", params=QUERY),
    "commands": lambda http: http.post("/v1/commands", json=[]),
    "what cannot be read": lambda http: http.get("/v1/%ff"),
    "what is nowhere": lambda http: http.get("/v1/nowhere"),
    "another method": lambda http: http.put("/v1/units"),
}


@asynccontextmanager
async def limited(server: str, folder: Path, quota: int) -> AsyncGenerator[Site]:
    """A record behind a proxy on this machine, which says who asks."""
    async with database_of(server, "imported") as dsn:
        settings = settings_for(dsn, folder, work_per_minute=quota, trusted_proxies="127.0.0.0/8")
        async with service(settings) as running, serving(running) as site:
            yield site


@pytest.fixture(scope="module")
async def behind(server: str, folder: Path) -> AsyncGenerator[Site]:
    """A record whose heavy clients are each another test's; what a door takes the first time, nobody of them pays."""
    async with limited(server, folder, QUOTA) as site:
        for number, (door, asked) in enumerate(DOORS.items()):
            async with at(site, f"198.18.0.{number}") as first:
                if door != "a stream":
                    await asked(first)
        yield site


def at(site: Site, client: str) -> httpx.AsyncClient:
    """What a client asks by."""
    return httpx.AsyncClient(base_url=site.http.base_url, headers={"X-Forwarded-For": client}, timeout=20)


def left(answer: httpx.Response) -> int:
    """The milliseconds that are left to whom this was answered."""
    assert answer.headers["RateLimit-Policy"] == f'"work";q={QUOTA};w=60'
    found = re.fullmatch(r'"work";r=(\d+);t=(\d+)', answer.headers["RateLimit"])
    assert found
    return int(found[1])


async def used_up(site: Site, client: str) -> None:
    """Use up more than there is, at once, as could be done if nothing counted beforehand: for seconds nothing is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limits, "EXPECTED", 0.0)
        async with at(site, client) as http:
            for year in range(2024, 2050):
                days = [date(year, 1, 1) + timedelta(number) for number in range(60)]
                asked = (http.get(f"/v1/events.ndjson?effectiveOn={day}") for day in days)
                assert {one.status_code for one in await asyncio.gather(*asked)} <= {200, 429}
                refused = await http.get("/v1/nowhere")
                if refused.status_code == 429 and int(refused.headers["Retry-After"]) >= 5:
                    return
    raise AssertionError("there is no limit")


async def test_an_answer_says_what_is_left(behind: Site) -> None:
    async with at(behind, "198.51.100.1") as http:
        first = await http.get(f"{PLAN}/tasks", params={"q": "融资"})
        second = await http.get("/v1/events.ndjson")
        third = await http.get("/v1/nowhere")
    assert QUOTA >= left(first) > left(second) >= left(third) > 0


async def test_what_is_answered_from_memory_uses_up_next_to_nothing(behind: Site) -> None:
    async with at(behind, "198.51.100.2") as http:
        before = left(await http.get(f"{PLAN}/tasks"))
        answers = [await http.get(f"{PLAN}/tasks") for _ in range(50)]
    assert before - left(answers[-1]) <= 50


async def test_who_has_used_it_up_is_refused_at_every_door_and_nobody_else_is(behind: Site) -> None:
    await used_up(behind, HEAVY)
    async with at(behind, HEAVY) as heavy, at(behind, f"{HEAVY}, 127.0.0.9") as same, at(behind, OTHER) as other:
        for door, asked in DOORS.items():
            if door != "a stream":
                assert (await asked(other)).status_code != 429, door
            for client in (heavy, same):
                refused = await asked(client)
                assert refused.status_code == 429, door
                assert refused.headers["Access-Control-Allow-Origin"] == "*"
                assert int(refused.headers["Retry-After"]) > 0
                assert left(refused) == 0
                if door == "a page":
                    assert "too_much_work" in refused.text
                elif door != "its head":
                    assert problem_of(refused, 429)["code"] == "too_much_work"
        async with at(behind, "198.51.100.3") as liar:
            forged = await liar.get("/v1/units", headers={"X-Forwarded-For": f"{OTHER}, {HEAVY}"})
            assert forged.status_code == 429
        for lang, said in (("zh", "超出了本站"), ("en", "You have used up")):
            browser = {"Accept": "text/html,*/*;q=0.8", "Accept-Language": lang}
            page = await heavy.get("/units", headers=browser)
            assert (page.status_code, page.headers["Content-Type"]) == (429, "text/html; charset=utf-8")
            assert said in page.text
            assert "{" not in page.text.partition("<main")[2]
            problem = problem_of(await heavy.get("/v1/units", headers=browser), 429)
            assert ("毫秒" in problem["detail"]) == (lang == "zh")
    with pytest.raises(InvalidStatus) as caught:
        async with socket(behind, HEAVY):
            pass
    assert caught.value.response.status_code == 429


def socket(site: Site, client: str) -> connect:
    """A websocket of a client."""
    url = f"ws://127.0.0.1:{site.http.base_url.port}/graphql"
    headers = {"X-Forwarded-For": client}
    return connect(url, subprotocols=[Subprotocol(PROTOCOL)], additional_headers=headers, proxy=None)


@pytest.mark.parametrize(
    ("path", "maker"),
    [("/catalog.ttl", "api.catalogue.catalogs._printed"), (f"{PLAN}.stratml", "api.standards.plans.print_stratml")],
)
async def test_what_is_made_beside_the_event_loop_counts(
    behind: Site, monkeypatch: pytest.MonkeyPatch, path: str, maker: str
) -> None:
    made = resolve_name(maker)

    def slowly(*given: Any) -> bytes:
        time.sleep(0.2)
        return made(*given)

    monkeypatch.setattr(maker, slowly)
    async with at(behind, f"203.0.113.{50 + len(path)}") as http:
        before = left(await http.get("/robots.txt"))
        answer = await http.get(path)
    assert answer.status_code == 200, answer.text
    assert before - left(answer) >= 200


async def test_no_client_has_all_places_for_exports(behind: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workshop, "MOST_OF_ONE", 3)
    monkeypatch.setattr(exporting, "FIRST_WAIT", 0.3)
    async with at(behind, "203.0.113.41") as first:
        await first.get("/v1/export/units.csv")
    async with at(behind, OTHER) as http:
        made_by(behind).send_signal(signal.SIGSTOP)
        async with at(behind, "203.0.113.40") as heavy:
            asked = [heavy.get(f"/v1/export/tasks.csv?position={position}") for position in range(300, 305)]
            found = [one.status_code for one in await asyncio.gather(*asked)]
        assert (found.count(202), found.count(503)) == (3, 2)
        assert (await http.get("/v1/export/tasks.csv?position=310")).status_code == 202
        made_by(behind).send_signal(signal.SIGCONT)


async def test_over_a_websocket_each_operation_is_looked_at(behind: Site) -> None:
    async with socket(behind, "198.51.100.4") as opened:
        line = Line(opened)
        await line.say(type="connection_init")
        assert await line.hear() == {"type": "connection_ack"}
        await line.subscribe("subscription { events(after: 351) { v } }", "follows")
        assert (await line.hear())["type"] == "next"
        name, said = "0", dict[str, Any](type="next")
        while said["type"] == "next":
            name = str(int(name) + 1)
            await line.subscribe(f'{{ tasks(plan: "shanghai-credit-2023", q: "信{name}") {{ totalCount }} }}', name)
            said = await line.hear()
            assert said["type"] == "error" or (await line.hear())["type"] == "complete"
        assert (said["id"], said["payload"][0]["extensions"]["code"]) == (name, "too_much_work")


async def test_those_that_are_not_answered_yet_count_beforehand(behind: Site) -> None:
    """As long as the database has no time for anybody, as many are begun as a quota has room for."""
    lanes = behind.running.slices
    async with at(behind, "198.51.100.5") as http:
        async with AsyncExitStack() as held:
            for _ in range(4):
                await held.enter_async_context(lanes.acquire())
            asked = [asyncio.create_task(http.get(f"/v1/events?after={number}")) for number in range(40)]
            done, waiting = await asyncio.wait(asked, timeout=2)
            assert {one.result().status_code for one in done} == {429}
            assert len(waiting) <= QUOTA / 100
        assert {(await one).status_code for one in waiting} == {200}
        assert (await http.get("/v1/units")).status_code == 200  # what was refused has cost nothing


async def test_waiting_for_the_log_to_grow_uses_nothing_up(behind: Site) -> None:
    async with at(behind, "198.51.100.6") as http:
        before = left(await http.get("/v1/events?after=351"))
        asked = list[asyncio.Task[httpx.Response]]()
        for _ in range(20):
            asked.append(asyncio.create_task(http.get("/v1/events?after=352&waitSeconds=2")))
            await asyncio.sleep(0.05)
        assert {(await one).status_code for one in asked} == {200}
        assert before - left(await http.get("/v1/events?after=351")) < 20 * 10


async def test_a_stream_uses_up_its_work_and_not_its_time(behind: Site) -> None:
    async with at(behind, "198.51.100.7") as http, AsyncExitStack() as streams:
        before = left(await http.get("/v1/events?after=351"))
        for _ in range(10):
            stream = await streams.enter_async_context(http.stream("GET", "/v1/stream?after=352"))
            assert stream.status_code == 200
        await asyncio.sleep(1)
        waited = left(await http.get("/v1/events?after=351"))
        assert before - waited < 10 * 20
        for _ in range(3):
            await http.get("/v1/stream.ndjson?follow=false")
        assert left(await http.get("/v1/events?after=351")) < waited


async def test_what_has_begun_goes_on_slowly_once_the_quota_is_used_up(
    server: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "EXPECTED", 0.0)  # so that more begins than there is time for
    monkeypatch.setattr(limits, "SLOWED", 1.0)
    async with limited(server, folder, 20) as site, at(site, HEAVY) as http:
        began = time.perf_counter()
        answers = await asyncio.gather(*(http.get("/v1/stream.ndjson?after=320&follow=false") for _ in range(20)))
        took = time.perf_counter() - began
    whole = [one for one in answers if one.status_code == 200]
    assert {len(one.text.splitlines()) for one in whole} == {32}
    assert took > 1.0
    assert len(whole) > 1


async def test_a_body_that_dribbles_uses_nothing_up(behind: Site) -> None:
    async def slowly() -> AsyncGenerator[bytes]:
        for part in (b"{", b"}"):
            yield part
            await asyncio.sleep(0.5)

    async with at(behind, "198.51.100.8") as http:
        before = left(await http.get("/v1/units"))
        await http.post("/graphql", content=slowly(), headers={"Content-Type": "application/json"})
        assert before - left(await http.get("/v1/units")) < 100


async def test_a_refusal_takes_less_than_an_answer(behind: Site) -> None:
    asked = application(behind.running)
    assert isinstance(asked, limits.Limited)

    async def quickest(status: int) -> float:
        """The seconds of the application alone, without a socket."""
        found = list[float]()
        for number in range(40):
            said = list[Any]()
            began = time.perf_counter()
            await asked(scope_of(f"after={number}"), silent, collecting(said))
            found.append(time.perf_counter() - began)
            assert said[0]["status"] == status
        return min(found)

    answered = await quickest(200)
    asked.accounts.of(int(ip_address(HEAVY)), time.perf_counter()).add(60.0, time.perf_counter())
    assert await quickest(429) < answered / 2


def scope_of(query: str) -> dict[str, Any]:
    """A question of the heavy client's, as what serves us hands it over."""
    path = "/v1/events"
    headers = [(b"host", b"example.org"), (b"x-forwarded-for", HEAVY.encode())]
    connection = {"client": ("127.0.0.1", 1), "server": ("127.0.0.1", 2), "scheme": "http", "root_path": ""}
    asked = {"path": path, "raw_path": path.encode(), "query_string": query.encode(), "headers": headers}
    return {"type": "http", "http_version": "1.1", "asgi": {"version": "3.0"}, "method": "GET", **connection, **asked}


async def silent() -> Any:
    """A client that says nothing more."""
    await asyncio.Event().wait()


def collecting(said: list[Any]) -> Callable[[Any], Awaitable[None]]:
    async def send(message: Any) -> None:
        said.append(message)

    return send


async def test_who_asks_from_this_machine_has_no_limit(behind: Site) -> None:
    answer = await behind.http.get("/v1/units")
    assert "RateLimit" not in answer.headers
    assert "RateLimit-Policy" not in answer.headers


async def test_no_limit_is_none(server: str, folder: Path) -> None:
    async with limited(server, folder, 0) as site, at(site, HEAVY) as http:
        assert "RateLimit" not in (await http.get("/v1/units")).headers
