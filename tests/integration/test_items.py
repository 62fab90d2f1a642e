"""The item of the log on the wire is the leaf, and beside it what is known of it: an auditor needs nothing else."""

import json
from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Any

from projections.views.events import BESIDE
from tests.conftest import REPORT, TASK, Site
from tests.integration.test_rest_events import followed


def leaf_hash(item: dict[str, Any]) -> bytes:
    """RFC 6962, of the item without the five."""
    leaf = {name: value for name, value in item.items() if name not in BESIDE}
    text = json.dumps(leaf, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return sha256(b"\0" + text.encode()).digest()


def root(hashes: list[bytes]) -> bytes:
    """RFC 6962, section 2.1, as it stands there."""
    if len(hashes) == 1:
        return hashes[0]
    split = 1 << (len(hashes) - 1).bit_length() - 1
    return sha256(b"\1" + root(hashes[:split]) + root(hashes[split:])).digest()


async def test_every_item_of_the_record_is_its_leaf_and_all_of_them_make_the_root(told: Site) -> None:
    page = await told.get("/v1/events", limit=200)
    items = await followed(told)
    assert [item["leafHash"] for item in items] == [leaf_hash(item).hex() for item in items]
    assert root([bytes.fromhex(item["leafHash"]) for item in items]).hex() == page["meta"]["root"]
    single = await told.get("/v1/events/360")
    assert leaf_hash(single).hex() == single["leafHash"] == items[359]["leafHash"]
    assert {name: value for name, value in single.items() if name != "meta"} == items[359]
    assert {item["v"] for item in items} == {1}
    assert all({"leafHash", "undoneBy", "inRequest", "disclosures"} <= item.keys() for item in items)


async def test_the_digest_of_every_text_is_made_from_its_salt_and_value(told: Site) -> None:
    shown = [one for item in await followed(told) for one in item["disclosures"]]
    assert shown
    assert {one["state"] for one in shown} == {"present"}
    for one in shown:
        text = json.dumps([one["salt"], one["value"]], ensure_ascii=False, separators=(",", ":"))
        assert one["digest"] == unpadded(sha256(unpadded(text.encode()).encode()).digest())


def unpadded(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


async def test_the_facts_of_a_request_are_counted_and_stand_together(told: Site) -> None:
    items = await followed(told)
    for item in items:
        first = item["position"] - 1 - item["inRequest"]["index"]
        together = items[first : first + item["inRequest"]["count"]]
        assert {one["cause"]["request"] for one in together} == {item["cause"]["request"]}
        around = items[max(0, first - 1) : first] + items[first + len(together) : first + len(together) + 1]
        assert item["cause"]["request"] not in {one["cause"]["request"] for one in around}


async def test_what_undid_a_fact_is_told_as_of_the_moment_that_is_asked_for(site: Site) -> None:
    said = (await site.record(REPORT))["position"]
    void = {"type": "fact.void", "target": said, "reason": "误报"}
    receipt = await site.record(void, {"type": "task.reword", "task": TASK, "text": "另写", "reason": "试"})
    by = {"position": said + 1, "command": "fact.void", "reason": "误报"}
    assert (await site.get(f"/v1/events/{said}"))["undoneBy"] == by
    assert (await site.get(f"/v1/events/{said}", position=said))["undoneBy"] is None
    assert [one["undoneBy"] for one in (await site.get("/v1/events", after=said - 1))["items"]] == [by, None, None]
    pinned = await site.get("/v1/events", after=said - 1, position=said)
    assert [one["undoneBy"] for one in pinned["items"]] == [None]
    assert [one["inRequest"] for one in receipt["facts"]] == [{"index": 0, "count": 2}, {"index": 1, "count": 2}]
    fields = "leafHash v undoneBy { position command reason } inRequest { index count } disclosures { state }"
    for query in (f"event(position: {said})", f'node(id: "event:{said}")'):
        answer = await site.ask(f"{{ {query} {{ ... on Event {{ {fields} }} }} }}")
        (event,) = answer.values()
        rest = await site.get(f"/v1/events/{said}")
        assert event["undoneBy"] == by
        assert (event["leafHash"], event["v"], event["inRequest"]) == (rest["leafHash"], 1, rest["inRequest"])


async def test_receipts_dry_runs_and_histories_show_the_same_item(site: Site) -> None:
    reword = {"type": "task.reword", "task": TASK, "text": "另写", "reason": "试"}
    tried = (await site.send(reword, dry_run=True)).json()
    assert [leaf_hash(one).hex() for one in tried["facts"]] == [one["leafHash"] for one in tried["facts"]]
    receipt = await site.record(reword)
    (item,) = (await site.get("/v1/events", after=receipt["position"] - 1))["items"]
    assert receipt["facts"] == [item]
    plan, key = TASK.split("/")
    history = await site.get(f"/v1/plans/{plan}/tasks/{key}/history")
    assert history["items"][-1]["fact"] == item
    edge = f'{{ task(id: "{TASK}") {{ events(last: 1) {{ nodes {{ leafHash undoneBy {{ position }} v }} }} }} }}'
    (node,) = (await site.ask(edge))["task"]["events"]["nodes"]
    assert node == {"leafHash": item["leafHash"], "undoneBy": None, "v": 1}


async def test_a_text_that_is_gone_while_no_fact_says_so_is_withheld(site: Site) -> None:
    said = (await site.record(REPORT))["position"]
    async with site.running.pool.acquire() as connection:
        await connection.execute("ALTER TABLE disclosures DISABLE TRIGGER ALL")
        await connection.execute("DELETE FROM disclosures WHERE position = $1", said)
    (shown,) = (await site.get(f"/v1/events/{said}"))["disclosures"]
    assert (shown["salt"], shown["value"], shown["state"]) == (None, None, "withheld")
