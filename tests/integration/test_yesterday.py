"""A data folder that yesterday's release has written opens: the same root, the same replays, the same answers.

Whoever changes an answer adds a row to `DIFFERENT`, in the words of openapi/CHANGELOG.md, where a new field is named.
"""

import json
import re
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from tests.conftest import TASK
from tests.integration.commands import PROJECT, Serving, place, planrecord, serving
from tests.integration.yesterday import (
    ASKED,
    UNIT,
    Answer,
    answers,
    brought,
    but_for,
    named,
    without_field,
    without_header,
    without_key,
)

REASON: Final = "以昨日之版本所记"
SENT: Final[dict[str, Any]] = {
    "reword": {"type": "task.reword", "task": TASK, "text": "昨日改后的措辞", "reason": REASON},
    "report": {
        "type": "progress.report",
        "task": TASK,
        "unit": UNIT,
        "period": "2023-12",
        "status": "in_progress",
        "narrative": "昨日的进展",
    },
    "both": [
        {"type": "task.set_deadline", "task": "shanghai-credit-2023/4", "due": "2024-06-30", "reason": REASON},
        {"type": "task.move", "task": "shanghai-credit-2023/5", "measure": 2, "reason": REASON},
    ],
}
BESIDE: Final = {"type": "task.reword", "task": "shanghai-credit-2023/6", "text": "命令行所记", "reason": REASON}


class Kept(NamedTuple):
    """What yesterday's release left: its folder, its log's root, the facts of each request, its answers."""

    folder: Path
    root: str
    receipts: dict[str, Any]
    answers: dict[str, Answer]


async def record_beside(folder: Path, project: Path) -> None:
    """Record by yesterday's command, which was seen not to end; what is told it twice is one fact all the same."""
    for last in (False, False, True):
        try:
            beside = ("record", "--data-dir", str(folder))
            assert (await planrecord(*beside, given=json.dumps(BESIDE), project=project)).code == 0
        except TimeoutError:
            if last:
                raise
        else:
            return


@pytest.fixture(scope="module")
async def kept() -> AsyncGenerator[Kept]:
    with place() as folder:
        project = brought(folder.parent / "yesterday")
        async with serving(folder, "demo", "--serve", project=project) as running:
            receipts = {key: await receipt(running, key) for key in SENT}
            await record_beside(folder, project)
            root = await root_of(folder, project)
            answered = await answers(running.http)
            assert await running.stop() == 0
        yield Kept(folder, root, receipts, answered)


@pytest.fixture(scope="module")
async def opened(kept: Kept) -> AsyncGenerator[Serving]:
    """The same folder, served by today's release."""
    async with serving(kept.folder) as running:
        yield running


async def receipt(running: Serving, key: str) -> Any:
    """What a request with an Idempotency-Key is answered."""
    answer = await running.send(SENT[key], **{"Idempotency-Key": key})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def root_of(folder: Path, project: Path = PROJECT) -> str:
    """How many facts and which root `verify` prints."""
    code, out, err = await planrecord("verify", "--data-dir", str(folder), project=project)
    assert (code, err) == (0, "")
    found = re.search(r"(\d+ facts) .*; root ([0-9a-f]{64})", out)
    assert found, out
    return " ".join(found.groups())


async def test_it_opens_and_its_root_is_the_same(opened: Serving, kept: Kept) -> None:
    assert "INVENTED DATA: this is the demo" in opened.said
    assert await root_of(kept.folder) == kept.root


async def test_its_idempotency_keys_are_replayed(opened: Serving, kept: Kept) -> None:
    before = (await opened.get("/health/ready"))["position"]
    for key, first in kept.receipts.items():
        again = await receipt(opened, key)
        assert again["replayed"]
        assert [fact["position"] for fact in again["facts"]] == [fact["position"] for fact in first["facts"]]
    other = await opened.send(SENT["reword"] | {"text": "另一措辞"}, **{"Idempotency-Key": "reword"})
    assert other.json()["code"] == "idempotency_key_reused"
    assert (await opened.get("/health/ready"))["position"] == before


async def test_its_pinned_addresses_answer_as_before_but_for_what_is_named(opened: Serving, kept: Kept) -> None:
    assert sum(map(is_good, kept.answers.values())) > 100
    assert [kept.answers[query].body for query in ASKED if not is_good(kept.answers[query])] == []
    now = await answers(opened.http)
    different = {
        address: (before, now[address])
        for address, before in kept.answers.items()
        if but_for(before, named()) != but_for(now[address], named())
    }
    assert different == {}


def is_good(answer: Answer) -> bool:
    """Whether there was an answer, and not an error's."""
    return answer.status == 200 and not any("errors" in one for one in answer.body if isinstance(one, dict))


async def test_what_is_named_is_in_the_change_log_and_was_seen(opened: Serving, kept: Kept) -> None:
    log = (PROJECT / "openapi" / "CHANGELOG.md").read_text("utf-8")
    now = await answers(opened.http)
    for one in named():
        assert one.words in log
        assert any(one.leave_out(answer) != answer for answer in (*now.values(), *kept.answers.values())), one.words


def test_a_named_difference_is_left_out_wherever_it_stands_and_nothing_else() -> None:
    item = {"log": "kept", "meta": {"log": "left out", "position": 1}}
    answer = Answer(200, {"link": "a", "vary": "b"}, [{"items": [item], "meta": {"log": "left out"}}])
    left = {"log": "kept", "meta": {"position": 1}}
    assert without_key("meta", "log")(answer).body == [{"items": [left], "meta": {}}]
    assert without_key("items")(answer).body == [{"meta": {"log": "left out"}}]
    assert without_header("link")(answer) == answer._replace(headers={"vary": "b"})
    old = {"field": "old", "after": 2}
    changes = {"changes": [{"field": "new", "after": 1}, old], "new": 3, "old": 4}
    assert without_field("new")(Answer(200, {}, changes)).body == {"changes": [old], "old": 4}
    table = Answer(200, {"content-type": "text/csv"}, "old,new,newer,new.a\r\n1,2,3,4\r\n")
    assert without_field("new")(table).body == [["old", "newer"], ["1", "3"]]
