"""The mixed load of `make soak`: questions over every door at random moments, and edits of a plan; by one chance.

Half of the questions are about the head, half about a pinned moment, which hardly any other question meets: what a
process remembers is always full and always changing.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from random import Random
from typing import Any, Final
from urllib.parse import urlencode

PLAN: Final = "shanghai-credit-2023"
TASKS: Final = 67
UNITS: Final = ("shi-wei-sheng-jian-kang-wei", "shi-fa-zhan-gai-ge-wei", "shi-yi-bao-ju", "shi-ke-wei")
DISTRICTS: Final = ("310101", "310104", "310115", "310151")
PLATFORMS: Final = (
    "ke-ji-xin-yong-xin-xi-guan-li-ping-tai",
    "chang-san-jiao-gong-gong-xin-yong-xin-xi-gong-xiang-ping-tai",
)
WORDS: Final = ("信用", "融资", "长三角", "监管", "平台")
IMPORTED: Final = 353  # facts that the plan begins with
SINCE: Final = date(2023, 4, 3)
DAYS: Final = 270
SELECTED: Final = (
    "id text reportedStatus",
    "number assignments { role assignee { name } }",
    "number latestReports { period status unit { name } }",
    "canonicalId answered { count of silent { name } } completedOn",
)
Asked = tuple[str, Mapping[str, object]]


class Mix:
    """Addresses and commands without an end; `head` is the size of the log as far as it is known."""

    def __init__(self, seed: int, head: int = IMPORTED) -> None:
        self.head = head
        self._chance = Random(seed)  # noqa: S311 - questions, nothing secret
        self._edits = 0

    def question(self) -> str:
        """What to ask: of ten questions five over REST, two over GraphQL, three for a page."""
        made: Callable[[], str] = self._chance.choice((*[self._rest] * 5, *[self._graphql] * 2, *[self._page] * 3))
        return made()

    def command(self) -> dict[str, Any]:
        """An edit of a task, or a report on it, which the rules may refuse."""
        self._edits += 1
        number, task = self._edits, f"{PLAN}/{self._chance.randint(1, TASKS)}"
        unit, month = self._chance.choice(UNITS), self._chance.randint(4, 12)
        made: dict[str, Any] = self._chance.choice(
            (
                {"type": "task.reword", "text": f"第{number}稿：{self._chance.choice(WORDS)}"},
                {"type": "task.set_deadline", "due": str(SINCE + timedelta(days=self._chance.randrange(DAYS * 3)))},
                {"type": "task.assign_unit", "unit": unit, "role": "support"},
                {"type": "task.release_unit", "unit": unit},
                {
                    "type": "progress.report",
                    "unit": unit,
                    "period": f"2023-{month:02}",
                    "status": self._chance.choice(("in_progress", "delayed", "completed")),
                    "narrative": f"第{number}次报告",
                },
            )
        )
        return made | {"task": task, "reason": f"soak {number}"}

    def _moment(self) -> dict[str, object]:
        """The head, or a moment that is pinned by both clocks."""
        if self._chance.random() < 0.5:
            return {}
        return {"position": self._chance.randint(IMPORTED, self.head), "effectiveOn": self._day()}

    def _day(self) -> date:
        return SINCE + timedelta(days=self._chance.randrange(DAYS))

    def _rest(self) -> str:
        plan, task = f"/v1/plans/{PLAN}", self._chance.randint(1, TASKS)
        unit, code = self._chance.choice(UNITS), self._chance.choice(DISTRICTS)
        asked: Sequence[Asked] = (
            (plan, {}),
            (f"{plan}/tasks", {"limit": self._chance.choice((10, 50, 100))}),
            (f"{plan}/tasks", {"q": self._chance.choice(WORDS)}),
            (f"{plan}/tasks", {"unit": unit, "reportedStatus": "in_progress"}),
            (f"{plan}/tasks.csv", {"district": code}),
            (f"{plan}/tasks/{task}", {}),
            (f"{plan}/tasks/{task}/reports", {}),
            (f"{plan}/tasks/{task}/history", {"limit": 20}),
            (f"{plan}/reports.ndjson", {"unit": unit}),
            (f"{plan}/summary", {}),
            (f"/v1/units/{unit}", {}),
            ("/v1/units", {"limit": 20}),
            (f"/v1/districts/{code}", {}),
            (f"/v1/platforms/{self._chance.choice(PLATFORMS)}", {}),
            ("/v1/events", {"unit": unit, "limit": 50}),
        )
        path, query = self._chance.choice(asked)
        return _address(path, {**query, **self._moment()})

    def _graphql(self) -> str:
        """A query whose text hardly any other has, or one of four with variables."""
        selected, task = self._chance.choice(SELECTED), f"{PLAN}/{self._chance.randint(1, TASKS)}"
        if self._chance.random() < 0.5:
            query = (
                f'{{ task(id: "{task}") {{ {selected} }} {self._chance.choice(UNITS).replace("-", "_")}: __typename }}'
            )
            return _address("/graphql", {"query": query} | self._moment())
        query = f'query($first: Int) {{ tasks(plan: "{PLAN}", first: $first) {{ totalCount nodes {{ {selected} }} }} }}'
        variables = f'{{"first":{self._chance.randint(1, TASKS)}}}'
        return _address("/graphql", {"query": query, "variables": variables} | self._moment())

    def _page(self) -> str:
        two = sorted((self._day(), self._day()))
        asked: Sequence[Asked] = (
            ("/", {}),
            (f"/plans/{PLAN}", {}),
            (f"/plans/{PLAN}/tasks/{self._chance.randint(1, TASKS)}", {}),
            (f"/units/{self._chance.choice(UNITS)}", {}),
            (f"/districts/{self._chance.choice(DISTRICTS)}", {}),
            ("/changes", {"from": two[0], "to": two[1]}),
        )
        path, query = self._chance.choice(asked)
        return _address(path, query or self._moment())


def _address(path: str, query: Mapping[str, object]) -> str:
    return f"{path}?{urlencode(query)}" if query else path
