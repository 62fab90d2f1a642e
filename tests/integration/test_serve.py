"""The `planrecord` command as its user meets it: real processes, real signals, real exit codes."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from api.cli.year import INVENTED
from api.postgres import cluster
from api.postgres.home import cluster_of
from api.postgres.pidfile import servers_in
from tests.conftest import PLAN, TASK, problem_of
from tests.integration.commands import Serving, listens, place, planrecord, serving, start
from tests.sockets import EVERY_FIELD, line

SUBCOMMANDS = [
    "audit",
    "follow",
    "serve",
    "demo",
    "record",
    "verify",
    "rebuild",
    "backup",
    "restore",
    "clock",
    "publish",
    "notice",
    "save",
    "read",
]
REWORD = {"type": "task.reword", "task": TASK, "text": "改后的措辞", "reason": "试"}


@pytest.fixture
def data() -> Iterator[Path]:
    with place() as folder:
        yield folder


@pytest.fixture(scope="module")
async def served() -> AsyncGenerator[Serving]:
    """One server for the tests that only look on or add to it."""
    with place() as folder:
        async with serving(folder, PLANRECORD_LICENSE="https://example.org/licence") as running:
            yield running


async def test_the_first_start_imports_the_plan_and_the_second_finds_it(data: Path) -> None:
    async with serving(data) as first:
        size = (await first.get("/health/ready"))["position"]
        assert size == 352
        assert "imported the bundled plan: 352 facts" in first.said
        for path in (PLAN, "/graphql", "/openapi.json"):
            assert f"http://127.0.0.1:{first.port}{path}" in first.said
        token = first.token
        assert (data / "token").stat().st_mode & 0o777 == 0o600
        assert f"{data / 'token'} (made just now)" in first.said
    async with serving(data) as second:
        assert (await second.get("/health/ready"))["position"] == size
        assert "imported" not in second.said
        assert "made just now" not in second.said
        assert second.token == token
        assert (await second.send(REWORD)).status_code == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_stops_all_that_was_started_and_nothing_else(data: Path, number: signal.Signals) -> None:
    bystander = await asyncio.create_subprocess_exec(sys.executable, "-c", "import time; time.sleep(60)")
    async with serving(data) as running:
        assert servers_in(cluster_of(data))
        assert await running.stop(number) == 0
        assert running.said.endswith("stopped\n")
        assert running.complained == ""
    assert servers_in(cluster_of(data)) == []
    assert not listens(running.port)
    assert bystander.returncode is None
    bystander.kill()
    await bystander.wait()


async def test_a_request_that_never_ends_does_not_hold_a_server_that_is_told_to_stop(data: Path) -> None:
    async with serving(data) as running:
        _, writer = await asyncio.open_connection("127.0.0.1", running.port)
        head = b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{"
        writer.write(head)
        await writer.drain()
        await running.get("/health/live")
        assert await asyncio.wait_for(running.stop(), 20) == 0
        assert "Traceback" not in running.complained
        writer.close()


async def test_who_subscribes_is_told_at_once_that_a_server_stops(data: Path) -> None:
    async with serving(data) as running:
        base = f"http://127.0.0.1:{running.port}"
        async with line(base) as idle, line(base) as following, line(base) as unread:
            await following.subscribe("subscription { events(after: 351) { position } }")
            assert await following.events(1) == [{"position": 352}]
            for number in range(20):  # more than its client takes, which hears nothing from here on
                await unread.subscribe(f"subscription {{ events {{ {EVERY_FIELD} }} }}", str(number))
            stopping = asyncio.create_task(running.stop())
            async with asyncio.timeout(3):
                assert (await idle.ended())[0] == (await following.ended())[0] == 1001
            assert await asyncio.wait_for(stopping, 10) == 0
            unread.socket.transport.abort()
        assert running.complained == ""


async def test_a_taken_port_is_one_sentence_and_nothing_is_started(data: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, out, err = await planrecord("serve", "--port", str(port), "--data-dir", str(data))
    assert (code, out) == (1, "")
    assert err == f"cannot serve on 127.0.0.1:{port}: Address already in use; choose another with --port\n"
    assert not data.exists()


async def test_a_folder_in_use_is_one_sentence_that_names_who_uses_it(served: Serving) -> None:
    other = await start_beside(served)
    assert other.code == 1
    (sentence,) = other.err.splitlines()
    assert f"process {served.process.pid}" in sentence
    assert "stop it first, or name another data folder" in sentence
    assert (await served.get("/health/ready"))["status"] == "ready"


async def start_beside(served: Serving) -> Any:
    """Another `serve` on the same folder."""
    return await planrecord("serve", "--port", "0", "--data-dir", str(served.folder))


async def test_what_is_recorded_beside_a_running_server_is_there_at_once(served: Serving) -> None:
    before = (await served.get("/health/ready"))["position"]
    code, out, err = await planrecord("record", "--data-dir", str(served.folder), given=json.dumps(REWORD))
    assert (code, err) == (0, "")
    assert f"1 fact recorded; the log holds {before + 1}" in out
    response = await served.http.get(f"{PLAN}/tasks/21")
    assert response.headers["Log-Position"] == str(before + 1)
    assert response.json()["text"] == "改后的措辞"
    assert (await served.send(REWORD | {"text": "再改"})).json()["position"] == before + 2


async def test_a_dry_run_says_what_would_be_recorded_and_records_nothing(served: Serving) -> None:
    before = (await served.get("/health/ready"))["position"]
    arguments = ("record", "--dry-run", "--data-dir", str(served.folder))
    code, out, _ = await planrecord(*arguments, given=json.dumps(REWORD | {"text": "未曾写下"}))
    assert code == 0
    assert "1 fact would be recorded" in out
    assert "未曾写下" in out
    assert (await served.get("/health/ready"))["position"] == before


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ("{", "the body is no JSON"),
        ('{"type": "task.reword"}', "give the field task, which is missing"),
        (json.dumps([REWORD, REWORD | {"text": 5}]), "/1/text: give a text, not a number"),
        ('{"type": "task.delete"}', "/type: give district.register, fact.void, "),
        (json.dumps(REWORD | {"reason": None}), "an edit of the public record says why: give a reason"),
        (json.dumps(REWORD | {"task": "nowhere/1"}), "there is no task nowhere/1"),
    ],
)
async def test_commands_that_are_refused_are_sentences_too(served: Serving, given: str, sentence: str) -> None:
    code, out, err = await planrecord("record", "--data-dir", str(served.folder), given=given)
    assert (code, out) == (1, "")
    assert sentence in err
    assert "Traceback" not in err


async def test_the_data_licence_is_a_setting(served: Serving) -> None:
    assert (await served.get(PLAN))["meta"]["license"] == "https://example.org/licence"


async def test_where_no_base_is_set_addresses_begin_with_the_one_that_is_listened_on(served: Serving) -> None:
    feed = await served.get("/feeds/events.json")
    assert feed["feed_url"] == f"http://127.0.0.1:{served.port}/feeds/events.json"


async def test_a_real_records_clock_cannot_be_set(served: Serving) -> None:
    headers = {"Authorization": f"Bearer {served.token}"}
    later = {"now": "2999-01-01T00:00:00Z"}
    refused = problem_of(await served.http.post("/v1/demo/clock", json=later, headers=headers), 409)
    assert refused["code"] == "clock_refused"
    assert "is a real record" in refused["detail"]
    assert problem_of(await served.http.post("/v1/demo/clock", json=later), 401)["code"] == "token_needed"


async def test_verify_agrees_beside_a_running_server(served: Serving) -> None:
    size = (await served.get("/health/ready"))["position"]
    code, out, _ = await planrecord("verify", "--data-dir", str(served.folder))
    assert code == 0
    assert f"{size} facts and " in out


async def test_verify_names_each_row_that_was_edited_by_hand(data: Path) -> None:
    async with serving(data):
        pass
    async with cluster(data) as own:
        connection = await asyncpg.connect(own.dsn)
        forged = """convert_to(replace(convert_from(doc, 'UTF8'), '"text":"', '"text":"不'), 'UTF8')"""
        for key in ("shanghai-credit-2023/9", "shanghai-credit-2023/2"):
            done = await connection.execute(
                f"UPDATE projections.tasks SET doc = {forged} WHERE key = $1 AND known_to = 9223372036854775807",  # noqa: S608 - our own words
                key,
            )
            assert done == "UPDATE 1"
        await connection.close()
    code, out, err = await planrecord("verify", "--data-dir", str(data))
    assert (code, out.strip()) == (1, "")
    lines = err.splitlines()
    assert [line.partition(", positions ")[0] for line in lines[:-1]] == [
        "table tasks, key shanghai-credit-2023/2",
        "table tasks, key shanghai-credit-2023/9",
    ]
    assert all(", column doc: the table has {" in line and "}, not {" in line for line in lines[:-1])
    assert lines[-1] == "2 differences between the log and what is kept"
    code, _, err = await planrecord("verify", "--first", "--data-dir", str(data))
    assert code == 1
    assert err.startswith("table tasks, key shanghai-credit-2023/2, ")
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize("subcommand", [None, *SUBCOMMANDS])
async def test_every_command_explains_itself(subcommand: str | None) -> None:
    code, out, err = await planrecord(*filter(None, [subcommand]), "--help")
    assert (code, err) == (0, "")
    assert out.startswith("Usage: ")
    if subcommand is None:
        assert all(f"\n  {name} " in out for name in SUBCOMMANDS)


async def test_every_command_there_is_is_among_those() -> None:
    from api.__main__ import main

    assert sorted(main.commands) == sorted(SUBCOMMANDS)


@pytest.mark.parametrize(
    ("setting", "value", "sentence"),
    [
        ("PLANRECORD_PROT", "8001", "unknown setting PLANRECORD_PROT; known: "),
        ("PLANRECORD_PORT", "many", "settings: "),
        ("PLANRECORD_BASE_URL", "example.org", "settings: base_url: give an address as https://example.org"),
    ],
)
async def test_a_wrong_setting_is_named(data: Path, setting: str, value: str, sentence: str) -> None:
    code, out, err = await planrecord("serve", "--data-dir", str(data), **{setting: value})
    assert (code, out) == (2, "")
    assert err.startswith(sentence)
    assert len(err.splitlines()) == 1
    assert not data.exists()


@pytest.mark.parametrize("command", ["serve", "verify", "record"])
async def test_a_database_that_is_not_there_is_one_sentence(data: Path, command: str) -> None:
    url = f"postgresql://planrecord@/nowhere?host={data}&port=5432"
    port = ("--port", "0") if command == "serve" else ()
    code, out, err = await planrecord(command, *port, "--data-dir", str(data), given="[]", DATABASE_URL=url)
    assert (code, out.strip()) == (1, "")
    assert err.startswith("cannot go on: " if command != "record" else ("cannot go on: ", "the list"))
    assert "Traceback" not in err


@pytest.fixture(scope="module")
async def told() -> AsyncGenerator[Path]:
    """The demo's record, told once."""
    with place() as folder:
        code, out, err = await planrecord("demo", "--data-dir", str(folder))
        assert (code, err) == (0, "")
        assert out.startswith(f"INVENTED DATA in {folder}")
        yield folder


@pytest.fixture(scope="module")
async def demo(told: Path) -> AsyncGenerator[Serving]:
    """Told a second time, and served."""
    size = await size_of(told)
    async with serving(told, "demo", "--serve") as running:
        assert (await running.get("/health/ready"))["position"] == size > 352, "the second telling adds nothing"
        assert "INVENTED DATA: this is the demo" in running.said
        yield running


async def size_of(folder: Path) -> int:
    """How many facts the record holds."""
    async with cluster(folder) as own:
        connection = await asyncpg.connect(own.dsn)
        try:
            size: int = await connection.fetchval("SELECT size FROM log_head")
            return size
        finally:
            await connection.close()


async def test_the_demo_ends_with_the_year_and_says_what_it_is(demo: Serving) -> None:
    meta = (await demo.get(PLAN))["meta"]
    assert meta["origin"].endswith("/demo")
    assert meta["effectiveOn"] == "2023-12-31"
    future = problem_of(await demo.http.get(PLAN, params={"asOf": "2024-01-01"}), 400)
    assert "it is 2023-12-31T10:00:00.000000Z" in future["detail"]


async def test_every_invented_word_of_the_demo_is_labelled(demo: Serving) -> None:
    page = await demo.get("/v1/events", after=352, limit=200)
    invented = list(page["items"])
    while page["next"]:
        page = await demo.get(page["next"])
        invented += page["items"]
    assert len(invented) > 200
    for fact in invented:
        words = [one["value"] for one in fact["disclosures"]]
        reason = fact["cause"]["reason"]
        assert words or reason, "something that can carry the label"
        assert all(word.startswith(INVENTED) for word in filter(None, [reason, *words])), fact


async def test_the_demos_clock_goes_forward_only(demo: Serving) -> None:
    headers = {"Authorization": f"Bearer {demo.token}"}
    back = {"now": "2023-12-30T00:00:00Z"}
    refused = problem_of(await demo.http.post("/v1/demo/clock", json=back, headers=headers), 409)
    assert "never goes back" in refused["detail"]
    on = await demo.http.post("/v1/demo/clock", json={"now": "2024-01-02T08:00:00+08:00"}, headers=headers)
    assert (on.status_code, on.json()) == (200, {"now": "2024-01-02T00:00:00.000000Z"})
    assert (await demo.get(PLAN))["meta"]["effectiveOn"] == "2024-01-02"
    code, out, _ = await planrecord("clock", "2024-01-03T08:00:00+08:00", "--data-dir", str(demo.folder))
    assert (code, out) == (0, "the demo's clock stands at 2024-01-03T08:00:00+08:00\n")
    code, _, err = await planrecord("clock", "2024-01-01T08:00:00+08:00", "--data-dir", str(demo.folder))
    assert code == 1
    assert "never goes back" in err


async def test_ctrl_c_during_the_start_leaves_nothing_behind(data: Path) -> None:
    running = await start(data)
    while not servers_in(cluster_of(data)):
        assert running.process.returncode is None
        await asyncio.sleep(0.01)
    os.kill(running.process.pid, signal.SIGINT)
    assert await running.ended() != 0
    assert servers_in(cluster_of(data)) == []
    assert "Traceback" not in running.complained
