"""The manners of HTTP, at every address: what is taken, what may be asked there, who may read, and since when."""

import pytest

from tests.conftest import PLAN, TASK, Site, problem_of
from tests.contract.test_problems import READS, address, question

LISTED = f"{PLAN}/tasks"
IN_FORMS = "application/json or application/x-ndjson or text/csv"
JSON_READS = [
    *(path for path in READS if path.startswith("/v1/") and not path.endswith(("/timemap", "/proof"))),
]


@pytest.mark.parametrize("path", JSON_READS)
@pytest.mark.parametrize("accept", ["image/png", "*/*;q=0", "application/xml, text/html;q=0.9"])
async def test_who_takes_no_form_of_an_address_is_told_which_there_are(told: Site, path: str, accept: str) -> None:
    problem = problem_of(await told.http.get(address(path) + question(path), headers={"Accept": accept}), 406)
    assert problem["code"] == "not_acceptable"
    assert "application/json" in problem["detail"]


@pytest.mark.parametrize("path", JSON_READS)
@pytest.mark.parametrize(
    "accept", ["*/*", "application/*", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"]
)
async def test_who_takes_anything_is_answered_in_json(told: Site, path: str, accept: str) -> None:
    answer = await told.http.get(address(path) + question(path), headers={"Accept": accept})
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")


@pytest.mark.parametrize(
    ("path", "accept", "detail"),
    [
        (
            LISTED,
            "image/png",
            f"this is {IN_FORMS}: let Accept take that, or leave it out; or ask for {LISTED}.csv or {LISTED}.json or ",
        ),
        ("/v1/events", "text/html", f"this is {IN_FORMS} or application/cloudevents-batch+json"),
        (f"{PLAN}/tasks/21", "text/csv", "this is application/json: let Accept take that, or leave it out"),
        (f"{PLAN}/tasks/21", "text/*", "this is application/json: let Accept take that, or leave it out"),
        (f"{PLAN}/tasks/21/timemap", "application/json", "this is application/link-format"),
        ("/v1/events/1/proof", "text/html", "this is text/plain or application/json"),
        ("/v1/stream", "application/x-ndjson", "this is text/event-stream"),
    ],
)
async def test_the_problem_names_the_forms_and_the_suffixes(told: Site, path: str, accept: str, detail: str) -> None:
    problem = problem_of(await told.http.get(path, headers={"Accept": accept}), 406)
    assert problem["detail"].startswith(detail)


@pytest.mark.parametrize(
    ("path", "accept", "media_type"),
    [
        (LISTED, "text/*", "text/csv; header=present; charset=utf-8"),
        (LISTED, "image/png, application/x-ndjson;q=0.1", "application/x-ndjson"),
        ("/v1/events", "application/cloudevents-batch+json", "application/cloudevents-batch+json"),
        (f"{LISTED}.csv", "application/json", "text/csv; header=present; charset=utf-8"),
        (f"{LISTED}.ndjson", "image/png", "application/x-ndjson"),
        ("/v1/stream.ndjson?follow=false", "image/png", "application/x-ndjson"),
        ("/v1/events/1/proof", "text/*", "text/plain; charset=utf-8"),
        (f"{PLAN}/tasks/21/timemap", "application/*", "application/link-format"),
        ("/", "application/json", "text/html; charset=utf-8"),
        ("/openapi.json", "text/html", "application/json"),
        ("/feeds/events.atom", "image/png", "application/atom+xml"),
    ],
)
async def test_what_is_taken_is_given(told: Site, path: str, accept: str, media_type: str) -> None:
    answer = await told.http.get(path, headers={"Accept": accept})
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, media_type)


async def test_what_is_not_taken_is_not_given_from_memory(told: Site) -> None:
    for accept, status in (("*/*", 200), ("image/png", 406), ("application/json", 200), ("image/png", 406)):
        assert (await told.http.get(f"{PLAN}/tasks/{TASK[-2:]}", headers={"Accept": accept})).status_code == status
