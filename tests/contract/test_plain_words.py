"""What is wrong with a value is said in words for people at every door: in none of Python's, nor of a library's."""

import json
import re
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any, Final

import pytest

from api.main import service
from tests.conftest import PLAN, TASK, Site, database_of, problem_of, serving, settings_for

# Python's names of types and of nothing, and how msgspec begins its sentences.
FOREIGN: Final = re.compile(
    r"`|\b(?:str|int|bool|float|dict|list\[|None|NoneType|True|False|Expected|got|Object|Invalid|matching|regex|RFC3339"
    r"|encoded|array|datetime|Struct|msgspec)\b|\| null|object at|[<>]="
)
REWORD: Final = {"type": "task.reword", "task": TASK, "text": "改", "reason": "试"}
REPORT: Final = {
    "type": "progress.report",
    "task": TASK,
    "unit": "shi-wei-sheng-jian-kang-wei",
    "period": "2023-Q2",
    "status": "in_progress",
    "narrative": "进展",
}
IMPORT: Final = {"type": "plan.import", "plan": "b", "text": "无", "issuer": "某办", "issuedOn": "2023-01-01"}
STATUSES: Final = "give not_started, blocked, delayed, in_progress or completed"


@pytest.fixture(scope="module")
async def site(server: str, folder: Path) -> AsyncGenerator[Site]:
    """The imported record: nothing here changes it."""
    async with (
        database_of(server, "imported") as dsn,
        service(settings_for(dsn, folder)) as running,
        serving(running) as served,
    ):
        yield served


def plain(problem: dict[str, Any]) -> str:
    """A problem's detail, once it is seen that neither it nor its faults speak a foreign language."""
    for said in (problem["detail"], *(fault["detail"] for fault in problem["errors"])):
        assert not FOREIGN.search(said), said
    return problem["detail"]


# What is sent, where it is wrong, and what the answer says of it.
COMMANDS: Final[dict[str, tuple[Any, str, str]]] = {
    "a number for a text": (REWORD | {"text": 5}, "/text", "give a text, not a number"),
    "a list for a text": (REWORD | {"text": []}, "/text", "give a text, not a list"),
    "an object for a text": (REWORD | {"text": {}}, "/text", "give a text, not an object"),
    "true for a text": (REWORD | {"text": True}, "/text", "give a text, not true or false"),
    "null for a text": (REWORD | {"text": None}, "/text", "give a text, not null"),
    "a text for a number": (REWORD | {"expectedVersion": "3"}, "/expectedVersion", "give a whole number, not a text"),
    "a fraction": (REWORD | {"expectedVersion": 1.5}, "/expectedVersion", "not a number with a fraction"),
    "too little": (REWORD | {"replaces": 0}, "/replaces", "give a whole number of at least 1"),
    "too much": (REWORD | {"replaces": 2**60}, "/replaces", "give a whole number of at most 9007199254740991"),
    "an empty text": (REWORD | {"text": ""}, "/text", "give a text of at least 1 character"),
    "a long text": (REWORD | {"text": "长" * 8_001}, "/text", "give a text of at most 8000 characters"),
    "no id": (REWORD | {"task": "12"}, "/task", "give it in its form: A task: its plan and its key, such as "),
    "no period": (REPORT | {"period": "Q2"}, "/period", "in its form: A year, a quarter or a month: 2023, 2023-Q2"),
    "no address": (REPORT | {"evidence": [{"url": "a"}]}, "/evidence/0/url", "begins with http:// or https://"),
    "no digest": (
        REPORT | {"evidence": [{"url": "http://a", "sha256": "A"}]},
        "/evidence/0/sha256",
        "64 digits of lower-case hex",
    ),
    "too many": (REPORT | {"evidence": [{"url": "http://a"}] * 21}, "/evidence", "give a list of at most 20 entries"),
    "no day": (REWORD | {"effectiveOn": "30 June"}, "/effectiveOn", "give a date, as 2023-06-30"),
    "no such day": (REWORD | {"effectiveOn": "2023-02-30"}, "/effectiveOn", "give a date, as 2023-06-30"),
    "a number for a day": (REWORD | {"effectiveOn": 20230630}, "/effectiveOn", "give a date, as 2023-06-30, not a num"),
    "no such status": (REPORT | {"status": "done"}, "/status", f"{STATUSES}, not done"),
    "a number for a status": (REPORT | {"status": 5}, "/status", "give "),
    "a figure that is none": (
        REPORT | {"measurement": {"value": "1,5", "unit": "个"}},
        "/measurement/value",
        "in its form: A decimal number",
    ),
    "a missing field": ({"type": "task.reword", "task": TASK}, "", "give the field text, which is missing"),
    "a missing field below": (REPORT | {"measurement": {"value": "1"}}, "/measurement", "give the field unit, which"),
    "an unknown field": (REWORD | {"txt": 1}, "", "leave out the field txt, which is unknown here"),
    "an unknown field below": (
        REPORT | {"evidence": [{"url": "http://a", "name": "b"}]},
        "/evidence/0",
        "leave out the field name, which is unknown here; known here: url, title, sha256",
    ),
    "an unknown command": ({"type": "task.delete"}, "/type", "or unit.succeed, not task.delete"),
    "a command that is a number": ({"type": 5}, "/type", "give "),
    "no command": ({}, "", "give the field type, which is missing"),
    "a text for a command": ("task.reword", "", "give an object, not a text"),
    "an id that is none": (IMPORT | {"unitIds": {"甲": "A B"}}, "/unitIds/...", "give it in its form: A unit or group"),
    "a list for ids": (IMPORT | {"unitIds": []}, "/unitIds", "give an object, not a list"),
}


@pytest.mark.parametrize("listed", [False, True], ids=["alone", "in a list"])
@pytest.mark.parametrize("case", COMMANDS)
async def test_a_wrong_command_is_told_what_to_do(site: Site, case: str, *, listed: bool) -> None:
    command, pointer, words = COMMANDS[case]
    problem = problem_of(await site.send([REWORD, command] if listed else command), 400)
    assert words in plain(problem)
    assert [fault["pointer"] for fault in problem["errors"]] == [f"/1{pointer}" if listed else pointer]


PARAMETERS: Final = [
    (PLAN, {"position": "x"}, "position: give a whole number, not x"),
    (PLAN, {"position": ""}, "position: give a whole number, not nothing"),
    (PLAN, {"position": "1.5"}, "position: give a whole number, not 1.5"),
    ("/v1/events", {"limit": "9" * 5_000}, "limit: give a number that is not so large, not 9"),
    (PLAN, {"minPosition": "-1"}, "minPosition: give a whole number of at least 0, not -1"),
    (PLAN, {"asOf": "June"}, "neither a date (2023-06-30) nor an instant"),
    (PLAN, {"asOf": "2023-06-31T12:00:00Z"}, "neither a date (2023-06-30) nor an instant"),
    (PLAN, {"effectiveOn": "June"}, "write it as 2023-06-30"),
    (f"{PLAN}/tasks", {"limit": "0"}, "limit: give a whole number of at least 1, not 0"),
    (f"{PLAN}/tasks", {"limit": "201"}, "limit: give a whole number of at most 200, not 201"),
    (f"{PLAN}/tasks", {"limit": "many"}, "limit: give a whole number, not many"),
    (f"{PLAN}/tasks", {"role": "boss"}, "role: give lead, by_duty, responsible, support or named, not boss"),
    (f"{PLAN}/tasks", {"reportedStatus": "done"}, "in_progress or completed, not done"),
    (f"{PLAN}/tasks", {"sort": "size"}, "sort: give "),
    (f"{PLAN}/tasks", {"number": "0"}, "number: give a whole number of at least 1, not 0"),
    (f"{PLAN}/tasks", {"q": ""}, "q: give a text of at least 1 character, not nothing"),
    (f"{PLAN}/tasks", {"q": "信" * 201}, "q: give a text of at most 200 characters, not 信"),
    ("/v1/units", {"kind": "person"}, "kind: give body, district_government or group, not person"),
    ("/v1/diff", {"to": "2023-04-03"}, "give from"),
    ("/v1/diff", {"from": "1", "to": "2", "kind": "thing"}, "kind: give plan, part, "),
    ("/v1/events", {"after": "-1"}, "after: give a whole number of at least 0, not -1"),
    ("/graphql", {"query": "{__typename}", "position": "x"}, "position: give a whole number, not x"),
    (
        "/graphql",
        {"query": "{__typename}", "variables": "[]"},
        "variables is no object in JSON: give an object, not a ",
    ),
    ("/graphql", {"query": "{__typename}", "variables": "{"}, "variables is no object in JSON: the body is no JSON"),
    ("/graphql", {"query": "{__typename}", "extensions": "5"}, "extensions is no object in JSON: give an object"),
]


@pytest.mark.parametrize(("path", "query", "words"), PARAMETERS)
async def test_a_wrong_parameter_is_told_what_to_do(site: Site, path: str, query: dict[str, str], words: str) -> None:
    assert words in plain(problem_of(await site.http.get(path, params=query), 400))


@pytest.mark.parametrize("value", ["maybe", "", "1", "True", "yes"])
async def test_true_and_false_are_written_so(site: Site, value: str) -> None:
    response = await site.http.post(
        f"/v1/commands?dryRun={value}", json=REWORD, headers={"Authorization": f"Bearer {site.running.token}"}
    )
    said = problem_of(response, 400)["detail"]
    assert said.startswith("dryRun: ")
    assert not FOREIGN.search(said.replace(value, "") if value else said)


BODIES: Final[list[tuple[Any, str]]] = [
    ({}, "give the field query, which is missing"),
    ([], "give an object, not a list"),
    ({"query": 5}, "/query: give a text, not a number"),
    ({"query": None}, "/query: give a text, not null"),
    ({"query": "{__typename}", "variables": []}, "/variables: give an object, not a list"),
    ({"query": "{__typename}", "operationName": 5}, "/operationName: give a text, not a number"),
]


@pytest.mark.parametrize(("body", "words"), BODIES)
async def test_a_wrong_request_of_graphql_is_told_what_to_do(site: Site, body: Any, words: str) -> None:
    assert words in plain(problem_of(await site.http.post("/graphql", json=body), 400))


FILTERS: Final = [
    ("$n: Int", "number: $n", 0, "number: give a whole number of at least 1"),
    ("$n: Int", "part: $n", -3, "part: give a whole number of at least 1"),
    ("$n: String", "q: $n", "", "q: give a text of at least 1 character"),
    ("$n: String", "q: $n", "信" * 201, "q: give a text of at most 200 characters"),
]


@pytest.mark.parametrize(("declared", "given", "value", "words"), FILTERS)
async def test_a_wrong_variable_is_told_what_rest_would_tell(
    site: Site, declared: str, given: str, value: Any, words: str
) -> None:
    query = f'query ({declared}) {{tasks(plan: "{TASK.partition("/")[0]}", {given}) {{totalCount}}}}'
    for response in (
        await site.http.post("/graphql", json={"query": query, "variables": {"n": value}}),
        await site.http.get("/graphql", params={"query": query, "variables": json.dumps({"n": value})}),
    ):
        (error,) = response.json()["errors"]
        assert words in error["message"]
        assert not FOREIGN.search(error["message"])


@pytest.mark.parametrize("now", ["noon", "2023-04-04T00:00:00", 5, None])
async def test_a_demos_clock_is_told_so_too(site: Site, now: Any) -> None:
    headers = {"Authorization": f"Bearer {site.running.token}"}
    problem = problem_of(await site.http.post("/v1/demo/clock", json={"now": now}, headers=headers), 400)
    assert "/now: give an instant with its zone, as 2023-06-30T12:00:00+08:00" in plain(problem)
