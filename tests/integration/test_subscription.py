"""What is subscribed to over /graphql: what it brings, where it begins, how it ends, what is refused."""

import asyncio
import json
import re
from collections.abc import AsyncGenerator, AsyncIterator
from inspect import isawaitable
from typing import Any

import msgspec
import pytest
from graphql import parse, subscribe  # pyright: ignore[reportUnknownVariableType]
from websockets.exceptions import InvalidStatus

from api.graphql import sockets
from api.graphql.schema import GRAPHQL_SCHEMA
from api.graphql.subscription import FollowedEvent
from api.graphql.world import Budget, Here, World
from api.http.body import LARGEST_GRAPHQL
from projections.as_of import AsOf, Meta, Moment, Rows
from tests.conftest import TASK, Site
from tests.integration.test_readme import README
from tests.sockets import EVERY_FIELD, PROTOCOL, bare, line

REWORD = {"type": "task.reword", "task": TASK, "reason": "试"}
POSITIONS = "subscription ($after: Position) { events(after: $after) { position } }"


PROTOCOL_ENDS: list[tuple[list[Any], int]] = [
    (["not json"], 4400),
    ([b"\x00\x01"], 4400),
    ([""], 4400),
    (["[]"], 4400),
    ([{"type": "nothing"}], 4400),
    ([{"type": ["ping"]}], 4400),
    ([{"type": "connection_init", "payload": 3}], 4400),
    (['{"type": "ping", "type": "ping"}'], 4400),
    (["[" * 100_000], 4400),
    ([{"type": "connection_init"}, {"type": "subscribe", "id": 1, "payload": {"query": "{ a }"}}], 4400),
    ([{"type": "connection_init"}, {"type": "subscribe", "id": "a" * 200, "payload": {"query": "{ a }"}}], 4400),
    ([{"type": "connection_init"}, {"type": "subscribe", "id": "a", "payload": {}}], 4400),
    ([{"type": "connection_init"}, {"type": "connection_init"}], 4429),
    ([{"type": "subscribe", "id": "a", "payload": {"query": POSITIONS}}], 4401),
    (
        [{"type": "connection_init"}, *[{"type": "subscribe", "id": "a", "payload": {"query": POSITIONS}}] * 2],
        4409,
    ),
    (["x" * (LARGEST_GRAPHQL + 1)], 1009),
]


def nowhere(_: Moment) -> Meta:
    raise AssertionError("no meta was asked for")


async def listed(site: Site, fields: str = EVERY_FIELD) -> list[dict[str, Any]]:
    """All facts, by the query."""
    found: list[dict[str, Any]] = []
    after = None
    page_info = "pageInfo { hasNextPage endCursor }"
    query = f"query ($after: String) {{ events(first: 200, after: $after) {{ nodes {{ {fields} }} {page_info} }} }}"
    while True:
        page = (await site.ask(query, after=after))["events"]
        found += page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            return found
        after = page["pageInfo"]["endCursor"]


async def test_the_readme_subscribes(site: Site) -> None:
    found = re.search(r"```graphql\n(subscription.*?)```", README, re.DOTALL)
    assert found
    await site.record(REWORD | {"text": "改一"})
    async with line(site.http.base_url) as opened:
        await opened.subscribe(found[1], after=352)
        assert (await opened.events(1))[0]["position"] == 353


async def test_it_brings_the_very_nodes_of_the_query(site: Site) -> None:
    report = {
        "type": "progress.report",
        "task": TASK,
        "unit": "shi-wei-sheng-jian-kang-wei",
        "period": "2023-03",
        "status": "in_progress",
        "narrative": "进展",
    }
    await site.record(REWORD | {"text": "改一"}, {"type": "fact.void", "target": 100, "reason": "试"}, report)
    nodes = [
        {name: value.partition("@")[0] if name == "id" else value for name, value in one.items()}
        for one in await listed(site)
    ]
    assert any(one["disclosures"] for one in nodes)
    async with line(site.http.base_url) as opened:
        await opened.subscribe(f"subscription {{ events {{ {EVERY_FIELD} }} }}")
        assert await opened.events(len(nodes)) == nodes


async def test_what_undoes_a_fact_is_brought_in_its_turn(site: Site) -> None:
    await site.record(REWORD | {"text": "改一"})
    await site.record({"type": "fact.void", "target": 353, "reason": "试"})
    async with line(site.http.base_url) as opened:
        await opened.subscribe("subscription { events(after: 352) { type undoneBy { position } } }")
        assert await opened.events(2) == [
            {"type": "task.reworded.v1", "undoneBy": None},
            {"type": "fact.voided.v1", "undoneBy": None},
        ]


async def test_what_is_recorded_comes_to_all_who_asked_for_it_and_to_nobody_else(site: Site) -> None:
    after = site.running.reader.head.size
    async with line(site.http.base_url) as opened, line(site.http.base_url) as other:
        given = "$after: Position, $task: ID, $type: [String!], $corrections: Boolean"
        filters = "after: $after, task: $task, type: $type, corrections: $corrections"
        query = f"subscription ({given}) {{ events({filters}) {{ position }} }}"
        await opened.subscribe(query, "all", after=after)
        await other.subscribe(query, "mine", after=after, task=f"task:{TASK}", type=["task.reworded.v1"])
        await asyncio.sleep(0.2)
        await site.record(REWORD | {"text": "改一"})
        await site.record(REWORD | {"text": "改二", "task": "shanghai-credit-2023/22"})
        await site.record({"type": "fact.void", "target": after + 1, "reason": "试"})
        assert [one["position"] for one in await opened.events(3, "all")] == [after + 1, after + 2, after + 3]
        assert [one["position"] for one in await other.events(2, "mine")] == [after + 1, after + 3]
        await opened.subscribe(query, "corrections", after=after, corrections=True)
        assert [one["position"] for one in await opened.events(1, "corrections")] == [after + 3]


async def test_its_meta_says_at_which_head_it_was_read(site: Site) -> None:
    await site.record(REWORD | {"text": "改一"})
    async with line(site.http.base_url) as opened:
        await opened.subscribe("subscription { one: events(after: 352) { meta { position log root self } } }")
        found = (await opened.hear())["payload"]["data"]["one"]["meta"]
    head = site.running.reader.head
    assert found == {"position": 353, "log": head.log, "root": head.root, "self": None}


async def test_no_query_is_made_for_each_who_follows_what_is_live(site: Site) -> None:
    async with line(site.http.base_url) as opened:
        for number in range(20):
            await opened.subscribe("subscription { events(after: 352) { position meta { root } } }", str(number))
        await asyncio.sleep(0.3)
        lent, acquire = 0, site.running.slices.acquire

        def lend() -> Any:
            nonlocal lent
            lent += 1
            return acquire()

        object.__setattr__(site.running.slices, "acquire", lend)
        await site.record(REWORD | {"text": "改一"})
        for _ in range(20):
            assert (await opened.hear())["payload"]["data"]["events"]["position"] == 353
    assert 1 <= lent <= 3


async def test_graphql_core_makes_the_same_of_it(site: Site) -> None:
    """Its own subscription is the oracle of ours, fed with the lines of the stream."""
    await site.record(REWORD | {"text": "改一"}, {"type": "fact.void", "target": 100, "reason": "试"})
    text = """subscription ($data: Boolean!) {
            at: events(after: 350) { at: position ...Rest cause { reason request } }
        }
        fragment Rest on Event {
            __typename id canonicalId effectiveOn recordedAt data @include(if: $data) cause { command }
        }"""
    async with line(site.http.base_url) as opened:
        await opened.subscribe(text, data=True)
        ours = [(await opened.hear())["payload"]["data"] for _ in range(4)]
    lines = (await site.http.get("/v1/stream.ndjson", params={"after": 350, "follow": "false"})).text.split("\n")

    async def followed() -> AsyncGenerator[FollowedEvent]:
        for one in lines:
            if one:
                yield msgspec.json.decode(one, type=FollowedEvent)

    moment = await site.running.reader.moment(AsOf())
    here = Here(World(Rows({}, {}, site.running.reader.memory), moment), "", nowhere, Budget())
    context = {"followed": followed(), "places": {"at": here}}
    theirs = subscribe(GRAPHQL_SCHEMA, parse(text), context_value=context, variable_values={"data": True})
    results = await theirs if isawaitable(theirs) else theirs
    assert isinstance(results, AsyncIterator)
    assert [json.loads(msgspec.json.encode(one.data)) async for one in results] == ours


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("subscription { events(after: 999) { position } }", "beyond_the_head"),
        (f'subscription {{ events(after: 3, expect: "{"0" * 64}") {{ position }} }}', "another_history"),
        ('subscription { events(expect: "nothing") { position } }', "bad_parameter"),
        ('subscription { events(task: "nobody") { position } }', "unknown_id"),
        (f'subscription {{ events(task: "task:{TASK}@352,2023-04-03") {{ position }} }}', "id_of_another_moment"),
        (f'subscription {{ events(unit: "task:{TASK}") {{ position }} }}', "id_of_another_kind"),
        ('subscription { events(type: ["nothing.v1"]) { position } }', "bad_parameter"),
        ("subscription { events(after: -1) { position } }", "malformed"),
        ("subscription { events(first: 3) { position } }", "malformed"),
        ("subscription { events { position } events: events { position } other: events { v } }", "malformed"),
        ("subscription { events @skip(if: true) { position } }", "malformed"),
        ("subscription { __typename }", "malformed"),
        (f"subscription {{ events {{ {' '.join(f'a{number}: v' for number in range(300))} }} }}", "too_complex"),
        ("subscription { events { " + "v " * 1_001 + "} }", "too_complex"),
        ("subscription A { events { v } } subscription B { events { v } }", "malformed"),
        ("mutation { a }", "malformed"),
        ("subscription {", "malformed"),
        ("{ nope }", "malformed"),
        ("#" + "x" * 70_000, "query_too_long"),
    ],
)
async def test_what_cannot_be_followed_is_an_error_that_says_why(site: Site, query: str, code: str) -> None:
    async with line(site.http.base_url) as opened:
        await opened.subscribe(query)
        said = await opened.hear()
        assert (said["id"], said["type"]) == ("1", "error"), said
        assert [one["extensions"]["code"] for one in said["payload"]] == [code] * len(said["payload"])
        await opened.subscribe(POSITIONS, after=351)  # and the id is free again
        assert await opened.events(1) == [{"position": 352}]


async def test_a_query_is_answered_as_by_post(site: Site) -> None:
    query = 'query ($id: ID!) { task(id: $id) { number } other: task(id: "nowhere/1") { number } }'
    async with line(site.http.base_url) as opened:
        await opened.subscribe(query, id=TASK)
        said, last = await opened.hear(), await opened.hear()
    assert last == {"id": "1", "type": "complete"}
    assert said["payload"]["data"] == {"task": {"number": 21}, "other": None}
    assert [one["extensions"]["code"] for one in said["payload"]["errors"]] == ["unknown_id"]


async def test_a_post_says_where_to_subscribe(site: Site) -> None:
    answer = (await site.http.post("/graphql", json={"query": "subscription { events { position } }"})).json()
    assert "websocket" in answer["errors"][0]["message"]


async def test_nothing_comes_of_what_was_completed(site: Site) -> None:
    async with line(site.http.base_url) as opened:
        await opened.subscribe(POSITIONS, "left", after=352)
        await opened.subscribe(POSITIONS, "kept", after=352)
        await asyncio.sleep(0.2)
        await opened.say(id="left", type="complete")
        await opened.say(id="unknown", type="complete")
        await opened.say(type="ping", payload={"a": 1})
        assert await opened.hear() == {"type": "pong"}
        assert site.running.tail.following == 1
        await site.record(REWORD | {"text": "改一"}, REWORD | {"text": "改二"})
        assert [one["position"] for one in await opened.events(2, "kept")] == [353, 354]
    for _ in range(100):
        if not site.running.tail.following:
            return
        await asyncio.sleep(0.02)
    raise AssertionError("who has gone is still followed for")


@pytest.mark.parametrize(
    ("said", "code"),
    PROTOCOL_ENDS,
    ids=[str(number) for number in range(16)],
)
async def test_what_the_protocol_does_not_have_ends_the_connection(site: Site, said: list[Any], code: int) -> None:
    async with bare(site.http.base_url, PROTOCOL) as opened:
        for one in said:
            await opened.socket.send(json.dumps(one) if isinstance(one, dict) else one)
        assert (await opened.ended())[0] == code


@pytest.mark.parametrize("protocol", [None, "graphql-ws"])
async def test_who_speaks_another_protocol_is_told_so(site: Site, protocol: str | None) -> None:
    async with bare(site.http.base_url, *([protocol] if protocol else [])) as opened:
        assert (await opened.ended())[0] == 4406


async def test_of_several_protocols_ours_is_chosen(site: Site) -> None:
    async with bare(site.http.base_url, "graphql-ws", PROTOCOL) as opened:
        assert opened.socket.subprotocol == PROTOCOL


async def test_there_is_one_websocket(site: Site) -> None:
    with pytest.raises(InvalidStatus) as caught:
        async with bare(f"{site.http.base_url}/v1".replace("//v1", "/v1"), PROTOCOL):
            raise AssertionError
    response = caught.value.response
    assert (response.status_code, response.headers["Content-Type"]) == (404, "application/problem+json")
    assert json.loads(response.body or b"")["code"] == "unknown_address"


async def test_more_operations_than_a_connection_has_are_refused_and_the_others_go_on(site: Site) -> None:
    async with line(site.http.base_url) as opened:
        for number in range(sockets.MOST_OPERATIONS + 1):
            await opened.subscribe(POSITIONS, str(number), after=352)
        said = await opened.hear()
        assert (said["id"], said["type"]) == (str(sockets.MOST_OPERATIONS), "error")
        assert said["payload"][0]["extensions"]["code"] == "too_many_waiting"
        await opened.say(id="0", type="complete")
        await opened.subscribe(POSITIONS, "more", after=351)
        assert await opened.events(1, "more") == [{"position": 352}]


async def test_who_does_not_begin_is_sent_away(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "INIT_WITHIN", 0.3)
    async with bare(site.http.base_url, PROTOCOL) as opened:
        assert (await opened.ended())[0] == 4408


async def test_in_silence_it_asks_whether_somebody_is_there(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "PING_AFTER", 0.2)
    monkeypatch.setattr(sockets, "TAKEN_WITHIN", 0.5)
    async with line(site.http.base_url) as silent, line(site.http.base_url) as there:
        for _ in range(5):  # longer than a pong is waited for
            assert json.loads(await there.socket.recv())["type"] == "ping"
            await there.say(type="pong")
        assert await silent.ended() == (4408, "no pong came")
        await there.subscribe(POSITIONS, after=351)
        assert await there.events(1) == [{"position": 352}]


async def test_a_connection_ends_after_an_hour(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "SOCKET_LIFE", 0.5)
    async with line(site.http.base_url) as opened:
        await opened.subscribe(POSITIONS, after=352)
        assert (await opened.ended())[0] == 1001


async def test_too_many_connections_are_sent_away(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "MOST_SOCKETS", 1)
    async with line(site.http.base_url), bare(site.http.base_url, PROTOCOL) as more:
        assert (await more.ended())[0] == 1013


async def test_all_end_at_once_when_the_process_does(site: Site) -> None:
    async with line(site.http.base_url) as idle, line(site.http.base_url) as following:
        await following.subscribe(POSITIONS, after=352)
        await asyncio.sleep(0.2)
        await site.running.reader.head.end()
        async with asyncio.timeout(2):
            assert (await idle.ended())[0] == 1001
            assert (await following.ended())[0] == 1001
