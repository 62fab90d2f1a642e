"""What is measured, against which peer, and what is hoped for."""

import json
from typing import Any, Final, Literal

import msgspec

from domain.bundled import BUNDLED_PLAN
from tests.benchmarks import datasette
from tests.benchmarks.load import HERE, Question

LIST = f"/v1/plans/{BUNDLED_PLAN}/tasks"
MOMENT = "?position={position}&effectiveOn={on}"
GRAPHQL = (HERE / "tasks.graphql").read_text()
JSON = (("Content-Type", "application/json"),)


class Benchmark(msgspec.Struct, frozen=True):
    """A question to planrecord, and the peer that is asked the same, or `asked`, in turn with it.

    `goal` is the least ratio of planrecord's rate to the peer's, `most` the most that its own figure may be. Those of a
    `group` are measured by the file of that name.
    """

    name: str
    peer: str
    question: Question
    goal: float | None = None
    asked: Question | None = None
    unchanged: bool = False  # asked with the ETag of the answer before
    first: bool = False  # the first answer after a start, in milliseconds
    group: Literal["", "append", "stream", "growth", "large", "file"] = ""
    most: float | None = None

    @property
    def at_moments(self) -> bool:
        """Whether each question is about another moment."""
        return "{position}" in self.question.path + self.question.body


def graphql(**variables: Any) -> Question:
    """The GraphQL query of the tasks with their assignments and units."""
    body = json.dumps({"query": GRAPHQL, "variables": {"plan": BUNDLED_PLAN, **variables}}, ensure_ascii=False)
    return Question("/graphql", body.replace('"{position}"', "{position}"), JSON)


WITHOUT = "without it"  # planrecord itself, asked for less: what a field costs
LISTED = "the list"  # planrecord itself, asked for the same tasks by REST: what a page costs
OURSELVES = {WITHOUT, LISTED}


def field(name: str, root: str, items: str, with_it: str, without: str = "") -> Benchmark:
    """What a field of the items of a root costs at moments of the past, where nothing is in a cache."""

    def asking(fields: str) -> Question:
        query = f"query ($asOf: AsOfInput, $on: Date) {{ {root} {items % fields} }}".replace("CLOCKS", _CLOCKS)
        variables = {"asOf": {"position": "{position}"}, "on": "{on}"}
        body = json.dumps({"query": query, "variables": variables})
        return Question("/graphql", body.replace('"{position}"', "{position}"), JSON)

    return Benchmark(f"field-{name}", WITHOUT, asking(with_it), asked=asking(without))


_CLOCKS = "asOf: $asOf, effectiveOn: $on"
_TASKS = f'tasks(plan: "{BUNDLED_PLAN}", first: 100, CLOCKS)', "{ nodes { canonicalId %s } }"
_UNITS = "units(first: 100, CLOCKS)", "{ nodes { canonicalId tasks { task %s } } }"
GROWN: Final = "c0000-credit-2021"  # a plan of the first invented authority, which records of all sizes have
HEAD, PAST, TASK = Question(LIST), Question(LIST + MOMENT), Question(f"{LIST}/21{MOMENT}")
PINNED = Question(f"{LIST}?position=700&effectiveOn=2023-10-31")
BENCHMARKS = (
    Benchmark("list-cached", "bytes", HEAD, 0.8),
    Benchmark("list-cached-pinned", "bytes", PINNED, 0.8),
    Benchmark("list-304", "bytes", HEAD, 0.8, unchanged=True),
    Benchmark("graphql-cached", "bytes", graphql(), 0.5),
    Benchmark("list-uncached-json-agg", "json_agg", PAST, 3.0),
    Benchmark("list-first-answer", "json_agg", PAST, first=True),
    Benchmark("list-uncached-round-trip", "round trip", PAST, 0.33),
    Benchmark("list-uncached-lean-round-trip", "lean round trip", PAST, 0.33),
    Benchmark("task-uncached", "lean round trip", TASK),
    Benchmark("openapi-json", "bytes", Question("/openapi.json"), 0.8),
    Benchmark("graphql-uncached", "graphql-core", graphql(asOf={"position": "{position}"}, on="{on}"), 3.0),
    field("silent", *_TASKS, "answered { count of silent { canonicalId } }", "answered { count of }"),
    field("completed-on", *_TASKS, "completedOn"),
    field("own", *_UNITS, "own { status period }"),
    field(
        "task-counts",
        f'plan(id: "{BUNDLED_PLAN}", CLOCKS)',
        "{ canonicalId %s }",
        "taskCounts { withdrawn silentIn { tasks } }",
    ),
    Benchmark("page-cached", "bytes", Question(f"/plans/{BUNDLED_PLAN}?position=700&effectiveOn=2023-10-31"), 0.5),
    Benchmark("page-uncached", LISTED, Question(f"/plans/{BUNDLED_PLAN}{MOMENT}"), 0.33, asked=PAST),
    Benchmark("page-home-uncached", LISTED, Question(f"/{MOMENT}"), asked=PAST),
    Benchmark("datasette", "datasette", PAST, asked=datasette.ROWS),
    Benchmark("datasette-cached", "datasette", HEAD, asked=datasette.ROWS),
)
SMALL: Final = "the small record"
BARE: Final = "bare slices"
NOBODY: Final = ""
SAVES: Final = "eventsourcing"
WRITE: Final = Question("/v1/commands", "{}")
OF_WRITING: Final = (
    Benchmark("append-single", SAVES, WRITE, 6, group="append"),
    Benchmark("append-single-long", SAVES, WRITE, group="append"),
    Benchmark("append-signed", "unsigned", WRITE, 0.9, group="append"),  # at most 10 % slower
    Benchmark("append-in-process", SAVES, WRITE, 10, group="append"),
    Benchmark("append-bulk", "bare INSERT", WRITE, 0.6, group="append"),
    Benchmark("append-one", "bare COMMIT", WRITE, 0.4, group="append"),  # at most 2.5 times as long
    Benchmark("append-contended", "one writer's p50", WRITE, 0.04, group="append"),  # p99: at most 25 times as long
    Benchmark("curve-append", "stream of 10", WRITE, 0.67, group="append"),  # at most 1.5 times as long
    Benchmark("curve-dated", "stream of 10", WRITE, group="append"),  # each fact on a day of its own, up to 1,000
    Benchmark("curve-rows", NOBODY, WRITE, group="append", most=250),
)
STREAM: Final = Question("/v1/stream")
OF_STREAMS: Final = (
    Benchmark("sse-2000", "bare broadcaster", STREAM, group="stream", most=150),  # ms, p50
    Benchmark("sse-2000-p99", "bare broadcaster", STREAM, 0.25, group="stream"),  # ms: at most 4 times as long
    Benchmark("sse-2000-memory", "bare broadcaster", STREAM, group="stream", most=50),  # KB a client
    Benchmark("sse-2000-read", "bare broadcaster", STREAM, group="stream"),  # ms, p99 of a read meanwhile
)
OF_LARGE: Final = (
    Benchmark("growth-list", SMALL, Question(f"/v1/plans/{GROWN}/tasks{MOMENT}"), 0.7, group="growth"),
    Benchmark("growth-task", SMALL, Question(f"/v1/plans/{GROWN}/tasks/21{MOMENT}"), 0.7, group="growth"),
    Benchmark(
        "growth-unit", SMALL, Question(f"/v1/units/c0000-shi-wei-sheng-jian-kang-wei{MOMENT}"), 0.7, group="growth"
    ),
    Benchmark("growth-district", SMALL, Question(f"/v1/districts/100001{MOMENT}"), 0.7, group="growth"),
    Benchmark("large-task", BARE, Question("/v1/plans/{plan}/tasks/{task}" + MOMENT), group="large", most=0.3),
    Benchmark("large-plan", BARE, Question("/v1/plans/{plan}/tasks" + MOMENT), group="large", most=1.0),
    Benchmark("large-plans-memory", NOBODY, Question("/v1/plans/{plan}/tasks" + MOMENT), group="large", most=400),
    Benchmark("large-export", NOBODY, Question("/v1/events.ndjson"), group="large", most=30),
    Benchmark("large-export-memory", NOBODY, Question("/v1/events.ndjson"), group="large", most=200),
    *(
        Benchmark(f"large-file-{form}{what}", NOBODY, Question(f"/v1/export/tasks.{form}"), group="file", most=most)
        for form in ("ndjson", "csv", "parquet")
        for what, most in (("", 60), ("-memory", 300))  # of a million tasks, which 5,000,000 facts have
    ),
    Benchmark("large-file-again", "static file", Question("/v1/export/tasks.ndjson"), 0.5, group="file"),
    Benchmark("large-stream", NOBODY, Question("/v1/stream.ndjson?follow=false"), group="large", most=30),
    Benchmark("large-stream-memory", NOBODY, Question("/v1/stream.ndjson?follow=false"), group="large", most=200),
)


def chosen(only: str) -> list[Benchmark]:
    """Those whose names begin with one of the words between commas; all for none; ValueError if there are none."""
    words = [word.strip() for word in only.split(",") if word.strip()]
    every = (*BENCHMARKS, *OF_WRITING, *OF_STREAMS, *OF_LARGE)
    found = [one for one in every if not words or any(one.name.startswith(word) for word in words)]
    if not found:
        raise ValueError(f"no benchmark begins with {only!r}; there are {', '.join(one.name for one in every)}")
    return found
