"""What judges the history of `make endurance` must see what is wrong with one."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import pytest

from domain.task import TaskReworded
from events import codec
from events.recorded import Recorded
from tests.endurance.serial import Call, Heard, Judge, Look
from tests.unit.saying import Put, logged
from tests.unit.world import STREAM, plan, task

FOUNDED = [*plan(), task()]
SIZE = len(FOUNDED)
TASK = STREAM.partition(":")[2]
ON = date(2023, 8, 10)


def reword(text: str, key: str) -> dict[str, Any]:
    """The command that makes the fact of that text."""
    return {"type": "task.reword", "task": TASK, "text": text, "reason": key, "effectiveOn": "2023-05-01"}


def items(texts: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    """The log as its feed tells it: what is founded, then a request for each text and its key."""
    facts = logged(*FOUNDED, *(Put(STREAM, TaskReworded(text), date(2023, 5, 1)) for text, _ in texts))
    return [_item(one, ["", *(key for _, key in texts)][max(one.position - SIZE, 0)]) for one in facts]


def _item(one: Recorded, key: str) -> dict[str, Any]:
    told = codec.envelope(one)
    index = one.position - 1 if one.position <= SIZE else 0
    return told | {"cause": told["cause"] | {"reason": key}, "inRequest": {"index": index, "count": 1}}


class History:
    """Three requests, one after the other, the third of which changes nothing; and a read behind the first."""

    def __init__(self) -> None:
        self.items = items([("甲", "a"), ("乙", "b")])
        self.calls = [
            Call("a", [reword("甲", "a")], 1, 2, [SIZE + 1]),
            Call("b", [reword("乙", "b")], 3, 4, [SIZE + 2]),
            Call("c", [reword("乙", "c")], 5, 6, []),
        ]
        self.looks = [Look(2.5, 2.6, SIZE + 1, SIZE + 1, ON, TASK, "甲", None)]
        self.heads: list[Heard] = []

    def faults(self) -> list[str]:
        """What the judge finds."""
        judge = Judge()
        judge.hear(self.items[:SIZE], [], [], [])
        assert judge.faults == []
        judge.hear(self.items[SIZE:], self.calls, self.looks, self.heads)
        return judge.faults


def lost(history: History) -> None:
    """The log ends before what was acknowledged last."""
    del history.items[-1]


def doubled(history: History) -> None:
    """A request stands in the log twice."""
    history.items = items([("甲", "a"), ("乙", "b"), ("甲", "a")])


def turned_round(history: History) -> None:
    """The second was answered before the first was begun."""
    history.calls[0].begun, history.calls[0].ended = 7, 8
    history.looks.clear()


def decided_otherwise(history: History) -> None:
    """The log has another text than was sent."""
    history.calls[1].commands = [reword("丙", "b")]


def refused_wrongly(history: History) -> None:
    """A refusal for which there is no place in the log."""
    history.calls[2].refusal = "task_withdrawn"


def unchanged_wrongly(history: History) -> None:
    """Nothing was recorded, although the task had another wording all that time."""
    history.calls[2].commands = [reword("丁", "c")]


def read_too_early(history: History) -> None:
    """A read behind the second request that does not show it."""
    history.looks[0].begun, history.looks[0].ended = 4.5, 4.6


def read_wrongly(history: History) -> None:
    """A read that shows a text of another position."""
    history.looks[0].text = "乙"


def another_root(history: History) -> None:
    """A head that the log never had."""
    history.heads.append(Heard(SIZE + 1, "00"))


def test_what_is_serialisable_has_no_fault() -> None:
    assert History().faults() == []


@pytest.mark.parametrize(
    "spoil",
    [
        lost,
        doubled,
        turned_round,
        decided_otherwise,
        refused_wrongly,
        unchanged_wrongly,
        read_too_early,
        read_wrongly,
        another_root,
    ],
)
def test_what_is_not_is_seen(spoil: Callable[[History], None]) -> None:
    history = History()
    spoil(history)
    assert history.faults() != []
