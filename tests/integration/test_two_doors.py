"""The same 200 questions over REST and GraphQL, on a record with a year of life in it."""

from collections import Counter
from datetime import date, timedelta
from random import Random
from typing import Any

from domain.document.reference import REFERENCE
from tests.conftest import Site
from tests.doors import both

PAGE = """{ tasks(plan: "shanghai-credit-2023", %s) { totalCount pageInfo { hasNextPage endCursor }
            nodes { id: canonicalId number text reportedStatus } } }"""


async def test_200_random_questions_have_the_same_answers_over_rest_and_graphql(told: Site) -> None:
    random = Random(20230328)  # noqa: S311 - which questions are asked, nothing secret
    async with told.running.pool.acquire() as connection:
        size = await connection.fetchval("SELECT size FROM log_head")
    answered: Counter[str] = Counter()
    for _ in range(200):
        kind = random.choice(["task", "task", "task", "unit", "district", "plan"])
        key = {
            "task": f"shanghai-credit-2023/{random.randint(1, 67)}",
            "unit": random.choice(REFERENCE.units).id,
            "district": random.choice(REFERENCE.districts).code,
            "plan": "shanghai-credit-2023",
        }[kind]
        as_of = random.choice(
            [None, random.randint(300, size), (date(2023, 3, 25) + timedelta(random.randint(0, 281))).isoformat()]
        )
        on = random.choice([None, (date(2023, 1, 1) + timedelta(random.randint(0, 500))).isoformat()])
        answer = await both(told, kind, key, as_of, on)
        answered[answer if isinstance(answer, str) else kind] += 1
    assert all(answered[kind] > 10 for kind in ("task", "unit", "district", "plan"))
    assert answered.keys() <= {"task", "unit", "district", "plan", "not_at_this_moment", "before_the_record"}


async def test_lists_have_the_same_items_over_rest_and_graphql(told: Site) -> None:
    rest = await told.get("/v1/plans/shanghai-credit-2023/tasks", effectiveOn="2023-10-31")
    pages: list[Any] = []
    page = await told.ask(PAGE % 'first: 20, effectiveOn: "2023-10-31"')
    while page:
        pages += page["tasks"]["nodes"]
        assert page["tasks"]["totalCount"] == 67
        more = page["tasks"]["pageInfo"]
        page = await told.ask(PAGE % f'first: 20, after: "{more["endCursor"]}"') if more["hasNextPage"] else None
    names = ("id", "number", "text", "reportedStatus")
    assert pages == [{name: task[name] for name in names} for task in rest["items"]]


async def test_two_roots_of_one_query_stand_at_two_moments(told: Site) -> None:
    answer = await told.ask(
        """{ then: task(id: "shanghai-credit-2023/4", asOf: {date: "2023-05-31"}) { ...Moment }
             now: task(id: "shanghai-credit-2023/4") { ...Moment } }
        fragment Moment on Task { id canonicalId text meta { position } }"""
    )
    assert answer["then"]["text"] != answer["now"]["text"]
    assert answer["then"]["id"] == f"task:shanghai-credit-2023/4@{answer['then']['meta']['position']},2023-05-31"
    assert answer["now"]["id"].removeprefix("task:") == answer["now"]["canonicalId"] == answer["then"]["canonicalId"]
