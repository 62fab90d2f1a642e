"""300 random questions about the tasks, at any moment and with any filter, over REST, GraphQL and CSV alike."""

import csv
import io
from collections import Counter
from datetime import date, timedelta
from random import Random
from typing import Any

from api.http.formats import cell, columns, value_at
from domain.document.reference import REFERENCE
from projections.views.tasks import ReportedStatus, ScheduleStatus, TaskView
from tests.conftest import PLAN, Site
from tests.doors import selection

FILTERS: dict[str, tuple[str, list[Any]]] = {
    "number": ("Int", list(range(1, 68))),
    "part": ("Int", [1, 2, 3, 4, 5]),
    "measure": ("Int", list(range(1, 17))),
    "unit": ("ID", [one.id for one in REFERENCE.units]),
    "role": ("Role", ["lead", "by_duty", "responsible", "named"]),
    "district": ("ID", [one.code for one in REFERENCE.districts]),
    "platform": ("ID", [one.id for one in REFERENCE.platforms]),
    "reportedStatus": ("ReportedStatus", [one.value for one in ReportedStatus]),
    "scheduleStatus": ("ScheduleStatus", [one.value for one in ScheduleStatus]),
    "q": ("String", ["信用", "融资", "一网通办", "市", "监管 平台", "APP", "长三角"]),
    "sort": ("TaskSort", ["number", "-number", "due", "-due"]),
}
VARIABLES = ", ".join(f"${name}: {kind}" for name, (kind, _) in FILTERS.items())
QUERY = f"""query Q($position: Position!, $on: Date, $first: Int!, {VARIABLES}) {{
    tasks(plan: "shanghai-credit-2023", asOf: {{position: $position}}, effectiveOn: $on, first: $first,
          {", ".join(f"{name}: ${name}" for name in FILTERS)}) {{
        nodes {selection(TaskView)} pageInfo {{ hasNextPage }} meta {{ position effectiveOn }}
    }}
}}"""


async def test_300_random_questions_have_the_same_answers_over_rest_graphql_and_csv(told: Site) -> None:
    random = Random(20230630)  # noqa: S311 - which questions are asked, nothing secret
    size = told.running.reader.head.size
    found: Counter[int] = Counter()
    for _ in range(300):
        names = random.sample(sorted(FILTERS), random.choice([0, 1, 1, 2, 2, 3]))
        given = {name: random.choice(FILTERS[name][1]) for name in names}
        moment = {
            "position": random.randint(351, size),
            "effectiveOn": (date(2023, 3, 28) + timedelta(random.randint(0, 400))).isoformat(),
        }
        limit = random.choice([3, 50, 200])
        question = {**given, **moment, "limit": limit}
        found[len(await answers(told, question, given, moment, limit))] += 1
    assert found[0] < 200
    assert len(found) > 15


async def answers(told: Site, question: dict[str, Any], given: dict[str, Any], moment: Any, limit: int) -> list[Any]:
    """The tasks that all three doors answer."""
    rest = await told.get(f"{PLAN}/tasks", **question)
    graph = await told.ask(
        QUERY,
        position=moment["position"],
        on=moment["effectiveOn"],
        first=limit,
        **{
            name: value.lstrip("-") + "_down" * value.startswith("-") if name == "sort" else value
            for name, value in given.items()
        },
    )
    assert graph["tasks"]["nodes"] == rest["items"], question
    assert graph["tasks"]["pageInfo"]["hasNextPage"] == (rest["next"] is not None), question
    assert graph["tasks"]["meta"] == {name: rest["meta"][name] for name in ("position", "effectiveOn")}
    table = await told.http.get(f"{PLAN}/tasks.csv", params=question)
    rows = list(csv.reader(io.StringIO(table.text, newline="")))
    paths = list(columns(TaskView))
    assert rows == [
        [".".join(path) for path in paths],
        *([cell(value_at(item, path)) for path in paths] for item in rest["items"]),
    ], question
    return rest["items"]
