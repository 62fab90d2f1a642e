"""What is going to be gone is declared once; answers, OpenAPI and the change log tell it."""

from datetime import date
from typing import Any

import pytest

from api.cli.describe import OPENAPI
from api.description.openapi import described_by
from api.http import deprecations
from api.http.deprecations import DEPRECATED, Deprecated, untold
from api.main import described_app
from tests.conftest import PLAN, Site

HOW = "https://example.org/instead"
DAYS: dict[str, Any] = {"since": date(2027, 1, 1), "until": date(2027, 7, 1), "link": HOW}
LIST = Deprecated("GET /v1/units", **DAYS)
COMMANDS = Deprecated("POST /v1/commands", **DAYS)
SORT = Deprecated("GET /v1/plans/{plan}/tasks", parameter="q", **DAYS)
TOLD = {"Deprecation": "@1798761600", "Sunset": "Thu, 01 Jul 2027 00:00:00 GMT"}


@pytest.fixture
def declared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three things are deprecated."""
    monkeypatch.setattr(deprecations, "DEPRECATED", (LIST, SORT, COMMANDS))


@pytest.mark.usefixtures("declared")
async def test_an_answer_tells_what_it_stands_on_and_no_other_does(site: Site) -> None:
    for path in ("/v1/units", "/v1/units.csv?limit=2", "/v1/units?x=1", f"{PLAN}/tasks?q=信用"):
        for _ in range(2):  # the second is remembered
            answer = await site.http.get(path)
            assert {name: answer.headers[name] for name in TOLD} == TOLD, path
            assert f'<{HOW}>; rel="deprecation"' in answer.headers["Link"]
            assert ('rel="license"' in answer.headers["Link"]) == (answer.status_code == 200)
    written = await site.send([])
    assert {name: written.headers[name] for name in TOLD} == TOLD
    for path in ("/v1/districts", f"{PLAN}/tasks", "/v1/units/shi-ke-wei"):
        assert not {"deprecation", "sunset"} & {*(await site.http.get(path)).headers.keys()}, path


@pytest.mark.usefixtures("declared")
def test_openapi_tells_it_of_the_operation_or_the_parameter() -> None:
    paths = described_by(described_app())["paths"]
    assert paths["/v1/units"]["get"]["deprecated"] is paths["/v1/commands"]["post"]["deprecated"] is True
    tasks = paths["/v1/plans/{plan}/tasks"]["get"]
    assert not tasks.get("deprecated")
    assert [one["name"] for one in tasks["parameters"] if one.get("deprecated")] == ["q"]


@pytest.mark.usefixtures("declared")
def test_the_change_log_has_to_tell_it() -> None:
    changes = "- Deprecated: `GET /v1/units` since 2027-01-01, gone on 2027-07-01: ask for …"
    assert list(untold(changes)) == [SORT.sentence, COMMANDS.sentence]
    assert SORT.sentence == "Deprecated: `GET /v1/plans/{plan}/tasks: parameter q` since 2027-01-01, gone on 2027-07-01"


def test_the_change_log_tells_all_that_is_deprecated_now() -> None:
    operations = described_by(described_app())["paths"]
    assert all(one.operation.split(" ")[1] in operations for one in DEPRECATED)
    assert untold((OPENAPI / "CHANGELOG.md").read_text("utf-8")) == {}
