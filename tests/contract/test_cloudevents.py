"""CloudEvents 1.0: the pages of /v1/events in envelopes that the SDK of the specification parses."""

import json
import re
from typing import Any

import httpx
import msgspec
import pytest
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from jsonschema import Draft202012Validator

from api.http.question import result_of
from api.main import application
from api.services.places import PublicBase
from tests.conftest import TASK, Site
from tests.integration.test_rest_events import followed

BATCH = "application/cloudevents-batch+json"
ACCEPT = {"Accept": BATCH}
FILTERS: list[dict[str, str]] = [
    {},
    {"unit": "shi-ke-wei"},
    {"district": "310115", "corrections": "true"},
    {"task": TASK, "type": "progress.reported.v1"},
]


async def batches(site: Site, **query: str) -> list[Any]:
    """All events of a filter, batch after batch, as the links lead."""
    page = await site.http.get("/v1/events", params={"limit": "50", **query}, headers=ACCEPT)
    found = page.json()
    while "next" in page.links:
        page = await site.http.get(page.links["next"]["url"], headers=ACCEPT)
        found += page.json()
    assert page.status_code == 200
    assert page.headers["Content-Type"] == BATCH
    assert int(page.headers["Log-Position"]) == site.running.reader.head.size
    return found


@pytest.mark.parametrize("query", FILTERS)
async def test_the_batches_are_the_log_as_json_tells_it(told: Site, query: dict[str, str]) -> None:
    items = await followed(told, **query)
    found = await batches(told, **query)
    assert len(found) == len(items) > 0
    log = told.running.reader.head.log
    for event, item in zip(found, items, strict=True):
        undone = item["data"].get("target") if item["type"] == "fact.voided.v1" else item["replaces"]
        expected = {
            "specversion": "1.0",
            "id": str(item["position"]),
            "source": f"/log/{log}",
            "type": item["type"],
            "subject": item["stream"],
            "time": f"{item['effectiveOn']}T00:00:00+08:00",
            "datacontenttype": "application/json",
            "dataschema": f"{str(told.http.base_url).rstrip('/')}/schemas/events/{item['type']}.schema.json",
            "sequence": f"{item['position']:016}",
            "recordedtime": item["recordedAt"],
            "correlationid": item["cause"]["request"],
            "data": {name: value for name, value in item.items() if name != "undoneBy"},
        } | ({"causationid": str(undone)} if undone else {})
        assert event == expected
    if not query:
        assert any("causationid" in one for one in found)
        assert any(one["data"]["disclosures"] for one in found)


async def test_the_sdk_takes_each_of_them(told: Site) -> None:
    for one in (await batches(told))[::5]:
        event = JSONFormat().read(CloudEvent, json.dumps(one))
        assert event.get_extension("sequence") == one["sequence"]
        assert event.get_data() == one["data"]
        assert all(re.fullmatch("[a-z0-9]{1,20}", name) for name in one)
        assert all(one.values())


async def test_their_data_is_valid_under_the_schema_that_they_name(told: Site) -> None:
    found = {one["type"]: one for one in await batches(told)}
    assert len(found) > 15
    for one in found.values():
        schema = (await told.http.get(one["dataschema"])).json()
        assert [error.message for error in Draft202012Validator(schema).iter_errors(one["data"])] == []  # pyright: ignore[reportUnknownMemberType]


async def test_a_batch_has_the_validator_of_no_other_form_and_is_kept_by_nobody_else(real: Site) -> None:
    pinned = {"position": "300", "effectiveOn": "2023-06-30"}
    batch = await real.http.get("/v1/events", params=pinned, headers=ACCEPT)
    plain = await real.http.get("/v1/events", params=pinned)
    assert batch.headers["ETag"] != plain.headers["ETag"]
    assert batch.headers["Cache-Control"] == "no-cache"  # it may hold text that is erased one day
    again = await real.http.get("/v1/events", params=pinned, headers=ACCEPT | {"If-None-Match": batch.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert "license" in batch.links


async def test_an_empty_batch_is_a_batch_and_what_is_wrong_is_a_problem(told: Site) -> None:
    empty = await told.http.get("/v1/events", params={"after": "759"}, headers=ACCEPT)
    assert empty.json() == []
    for query in ({"limit": "0"}, {"nonsense": "1"}, {"excel": "true"}):
        problem = await told.http.get("/v1/events", params=query, headers=ACCEPT)
        assert (problem.status_code, problem.headers["Content-Type"]) == (400, "application/problem+json")


async def test_a_base_that_is_set_stands_before_every_address_whatever_host_says(told: Site) -> None:
    settings = msgspec.structs.replace(told.running.settings, base_url="https://example.org/plan")
    front = application(msgspec.structs.replace(told.running, settings=settings))
    door = httpx.ASGITransport(front)  # pyright: ignore[reportArgumentType]
    async with httpx.AsyncClient(transport=door, base_url="http://elsewhere.test") as http:
        (event,) = (await http.get("/v1/events?limit=1&minPosition=2", headers=ACCEPT)).json()
    assert event["source"] == f"https://example.org/plan/log/{told.running.reader.head.log}"
    assert event["dataschema"].startswith("https://example.org/plan/schemas/events/")
    unset = PublicBase(None, "http://127.0.0.1:8000")
    assert (unset.link("/a"), unset.whole("/a")) == ("/a", "http://127.0.0.1:8000/a")


@pytest.mark.parametrize(
    ("header", "result"),
    [
        (b"", ""),
        (b"*/*", ""),
        (b"application/json", ""),
        (BATCH.encode(), BATCH),
        (BATCH.encode() + b"; charset=utf-8", BATCH),
        (BATCH.encode() + b", application/json;q=0.9", BATCH),
        (b"application/json, " + BATCH.encode() + b";q=0.5", ""),
        (b"text/csv;q=0.9, " + BATCH.encode() + b";q=0.5", ""),
        (BATCH.encode() + b";q=0", ""),
    ],
)
def test_accept_chooses_a_batch_where_it_prefers_one(header: bytes, result: str) -> None:
    assert result_of(header, "/v1/events") == result
    assert result_of(header, "/v1/units") == ""


async def test_a_suffix_says_more_than_accept(told: Site) -> None:
    answer = await told.http.get("/v1/events.ndjson?limit=1", headers=ACCEPT)
    assert answer.headers["Content-Type"] == "application/x-ndjson"
