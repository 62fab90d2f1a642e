"""The release that was the last one yesterday, run from its own files; what it answered, and what may differ since."""

import csv
import io
import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple, cast
from urllib.parse import urlsplit

import httpx

from tests.conftest import PLAN
from tests.integration.commands import PROJECT

YESTERDAY: Final = "d7e4f33"
OWN: Final = {
    "etag",
    "date",
    "server",
    "content-length",
    "content-encoding",
}  # of the release, the day or the transport


class Answer(NamedTuple):
    """What an address answered: JSON as values, everything else as text."""

    status: int
    headers: dict[str, str]
    body: Any


class Named(NamedTuple):
    """A difference that openapi/CHANGELOG.md names in these `words`; `leave_out` takes it away from an answer."""

    words: str
    leave_out: Callable[[Answer], Answer]


def without_key(*path: str) -> Callable[[Answer], Answer]:
    """Leave out a key of JSON wherever this path of keys ends, as `meta`, `log`; in NDJSON, too."""

    def left(value: Any) -> Any:
        if isinstance(value, list):
            return [left(one) for one in cast("list[Any]", value)]
        return _without(cast("dict[str, Any]", value), path, left) if isinstance(value, dict) else value

    return lambda answer: answer._replace(body=left(answer.body))


def _without(value: dict[str, Any], path: tuple[str, ...], left: Callable[[Any], Any]) -> dict[str, Any]:
    first, *rest = path
    if not rest:
        return {key: left(one) for key, one in value.items() if key != first}
    return {
        key: _without(left(one), tuple(rest), lambda deeper: deeper)
        if key == first and isinstance(one, dict)
        else left(one)
        for key, one in value.items()
    }


def without_field(name: str) -> Callable[[Answer], Answer]:
    """Leave out a field of that name wherever JSON has it or tells how it changed, and in CSV its columns.

    The cells of a table are JSON too, where they hold lists. So goes a change of what it stands in, if that is all.
    """
    keyless = without_key(name)

    def untold(value: Any) -> Any:
        if isinstance(value, list):
            return [untold(one) for one in cast("list[Any]", value) if not tells(one)]
        if isinstance(value, dict):
            return {key: untold(one) for key, one in cast("dict[str, Any]", value).items()}
        return value

    def tells(change: Any) -> bool:
        return isinstance(change, dict) and cast("dict[str, Any]", change).get("field") == name

    def left(answer: Answer) -> Answer:
        if not answer.headers.get("content-type", "").startswith("text/csv"):
            rest = keyless(answer._replace(body=untold(answer.body)))
            return rest._replace(body=_changing(rest.body))
        text = isinstance(answer.body, str)
        lines = csv.reader(io.StringIO(answer.body, newline="")) if text else cast("list[list[str]]", answer.body)
        header, *rows = lines
        kept = [place for place, column in enumerate(header) if name not in column.split(".")]
        return answer._replace(body=[[within(row[place]) for place in kept] for row in (header, *rows)])

    def within(cell: str) -> str:
        if not (cell.startswith(("[", "{")) and f'"{name}"' in cell):
            return cell
        return json.dumps(keyless(Answer(200, {}, json.loads(cell))).body, ensure_ascii=False, separators=(",", ":"))

    return left


def _changing(value: Any) -> Any:
    """Without the changes that change nothing; what has no other is unchanged."""
    if isinstance(value, list):
        return [_changing(one) for one in cast("list[Any]", value) if not _idle(one)]
    if isinstance(value, dict):
        rest = {key: _changing(one) for key, one in cast("dict[str, Any]", value).items()}
        none = rest.get("change") == "changed" and not rest.get("changes", True)
        return rest | {"change": "unchanged"} if none else rest
    return value


def _idle(value: Any) -> bool:
    change = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
    return change.keys() == {"field", "before", "after"} and change["before"] == change["after"]


def without_header(name: str) -> Callable[[Answer], Answer]:
    """Leave out a header."""
    return lambda answer: answer._replace(headers={key: one for key, one in answer.headers.items() if key != name})


def without_varying(name: str) -> Callable[[Answer], Answer]:
    """Leave out that an answer differs by a header of the request."""

    def left(answer: Answer) -> Answer:
        said = {
            key: ", ".join(each for each in one.split(", ") if each != name) if key == "vary" else one
            for key, one in answer.headers.items()
        }
        return answer._replace(headers=said)

    return left


def without_link(relation: str) -> Callable[[Answer], Answer]:
    """Leave out the link of a relation, with what is said of it."""
    link = re.compile(rf'<[^>]*>; rel="{relation}"(?:; [a-z]+="[^"]*")*(?:, )?')

    def left(answer: Answer) -> Answer:
        said = {key: link.sub("", one) if key == "link" else one for key, one in answer.headers.items()}
        return answer._replace(headers=said)

    return left


def without_cursors() -> Callable[[Answer], Answer]:
    """Leave out what a cursor says, in addresses and where GraphQL gives it; that there is one stays."""

    def left(value: Any) -> Any:
        if isinstance(value, dict):
            given = cast("dict[str, Any]", value)
            return {key: bool(one) if key == "endCursor" else left(one) for key, one in given.items()}
        if isinstance(value, list):
            return [left(one) for one in cast("list[Any]", value)]
        return re.sub(r"\bcursor=[\w-]+", "cursor", value) if isinstance(value, str) else value

    return lambda answer: answer._replace(body=left(answer.body), headers=left(answer.headers))


def without_days_of_reports() -> Callable[[Answer], Answer]:
    """Leave out the day from which a report holds in a state, which else the fact alone told, and where it changes."""

    def left(value: Any) -> Any:
        if isinstance(value, list):
            return [left(one) for one in cast("list[Any]", value) if not tells(one)]
        if not isinstance(value, dict):
            return value
        given = cast("dict[str, Any]", value)
        state = given.keys() >= {"membership", "narrative", "event"} and "recordedAt" not in given
        return {key: left(one) for key, one in given.items() if not (state and key == "effectiveOn")}

    def tells(change: Any) -> bool:
        return isinstance(change, dict) and cast("dict[str, Any]", change).get("field") == "effectiveOn"

    return lambda answer: answer._replace(body=left(answer.body))


def without_kinds() -> Callable[[Answer], Answer]:
    """Leave out the kind of thing with which an id in GraphQL begins; a plain id has no colon."""

    def left(value: Any) -> Any:
        if isinstance(value, dict):
            given = cast("dict[str, Any]", value)
            return {key: one.rpartition(":")[2] if key == "id" else left(one) for key, one in given.items()}
        return [left(one) for one in cast("list[Any]", value)] if isinstance(value, list) else value

    return lambda answer: answer._replace(body=left(answer.body))


def without_states() -> Callable[[Answer], Answer]:
    """Leave out the state of each disclosure, in the cells of a table, too."""

    def left(value: Any) -> Any:
        if isinstance(value, list):
            return [left(one) for one in cast("list[Any]", value)]
        if isinstance(value, dict):
            given = cast("dict[str, Any]", value)
            sealed = {"digest", "salt", "value"} <= given.keys()
            return {key: left(one) for key, one in given.items() if not (sealed and key == "state")}
        return re.sub(r',""state"":""[a-z]+""', "", value) if isinstance(value, str) else value

    return lambda answer: answer._replace(body=left(answer.body))


def without_marks() -> Callable[[Answer], Answer]:
    """Leave out the apostrophe before a cell that begins like a formula: of a table, its rows."""

    def left(answer: Answer) -> Answer:
        if not answer.headers.get("content-type", "").startswith("text/csv"):
            return answer
        rows = csv.reader(io.StringIO(answer.body, newline="")) if isinstance(answer.body, str) else answer.body
        return answer._replace(body=[[cell.removeprefix("'") for cell in row] for row in rows])

    return left


# Every issue that changes an answer adds a row here, and its words to the change log; a new field only its name there.
DIFFERENT: Final[tuple[Named, ...]] = (
    Named("`meta.log`, the log's random identity", without_key("meta", "log")),
    Named("`meta.root`, the root of the log at that position", without_key("meta", "root")),
    Named("each end of a difference has its own `root`", without_key("meta", "from", "root")),
    Named("each end of a difference has its own `root`", without_key("meta", "to", "root")),
    Named("A demo's answers are never to be kept (`no-cache`)", without_header("cache-control")),
    Named("`X-Content-Type-Options: nosniff` on every answer", without_header("x-content-type-options")),
    Named("`Location` can be read by scripts of other origins", without_header("access-control-expose-headers")),
    Named("`Last-Modified` says when what an answer shows can last have changed", without_header("last-modified")),
    Named("The clocks of the first page may be sent again beside a cursor", without_cursors()),
    Named("`extensions.cost {asked, limit}`", without_key("extensions")),
    Named("the `id` of a node is the name of its stream", without_kinds()),
    Named("`on_time`, which said two things, is gone", without_field("scheduleStatus")),
    Named("each of their reports its `place` and `effectiveOn`", without_key("place")),
    Named("each of their reports its `place` and `effectiveOn`", without_days_of_reports()),
    Named("groups in histories name `formerMembers`", without_field("formerMembers")),
    Named("`Unit.successor` is `successors`, a list", without_field("successor")),
    Named("`Unit.successor` is `successors`, a list", without_field("successors")),
    Named("Each of `disclosures` has a `state`", without_states()),
    Named("no cell is marked any more", without_marks()),
    Named('links it (`Link: rel="alternate"`)', without_link("alternate")),
    Named("`Content-Language` names the language, `Vary` says `Accept-Language`", without_header("content-language")),
    Named("`Content-Language` names the language, `Vary` says `Accept-Language`", without_varying("Accept-Language")),
    Named("`Items` in the header of a list that is asked for by suffix", without_header("items")),
    Named("name the facts of other subjects where they changed what is shown", without_key("facts")),
)


# Left out with the field that holds them, at addresses that were not there yesterday, or in what answers no reading.
WITHIN_NEW: Final = {
    "Affected",
    "CloudEvent",
    *("Constraints", "Contributor", "DataPackage", "Dialect", "LicenseNamed", "Referred", "Referring", "SourceNamed"),
    *("TableField", "TableResource", "TableSchema"),
    "DryRun",
    "EvidenceCounts",
    "InclusionProof",
    *("JsonFeed", "JsonFeedAuthor", "JsonFeedFact", "JsonFeedItem", "JsonFeedLog"),
    "NewVersion",
    "Ready",
    "ReportedCounts",
    "SavedAnswer",
    "ScheduleCounts",
    "Summary",
    "SummaryOfDay",
}


@cache
def named() -> tuple[Named, ...]:
    """All that may differ: what is told above, and each field whose name yesterday's description does not know."""
    kept, today = _git("show", f"{YESTERDAY}:openapi/openapi.json"), (PROJECT / "openapi/openapi.json").read_bytes()
    new = (
        _properties(json.loads(today)) - _properties(json.loads(kept)) - {"log", "root", "_sd"}
    )  # told above, or there before
    return (*DIFFERENT, *(Named(f"`{name}`", without_field(name)) for name in sorted(new)))


def _properties(described: Any) -> set[str]:
    """The names of all fields of all answers."""
    schemas = cast("dict[str, Any]", described["components"]["schemas"])
    known = [schema for name, schema in schemas.items() if name not in WITHIN_NEW]
    return {name for schema in known for name in schema.get("properties", ())}


def _git(*arguments: str) -> bytes:
    git = shutil.which("git")
    assert git, "git brings the files of the earlier release"
    found = subprocess.run([git, *arguments], cwd=PROJECT, capture_output=True, check=False)  # noqa: S603 - our own words
    assert found.returncode == 0, f"{YESTERDAY} is not in this clone: git fetch --unshallow brings it"
    return found.stdout


def brought(into: Path, release: str = YESTERDAY) -> Path:
    """The files of yesterday's release, brought from git; what is built and not kept there is that of today."""
    packed = _git("archive", release)
    into.mkdir()
    tar = shutil.which("tar")
    assert tar, "tar unpacks it"
    subprocess.run([tar, "x", "-C", str(into)], input=packed, check=True)  # noqa: S603 - our own words
    if not (into / "api" / "static").exists() and (PROJECT / "api" / "static").exists():
        shutil.copytree(PROJECT / "api" / "static", into / "api" / "static")
    return into


UNIT: Final = "shi-wei-sheng-jian-kang-wei"
BANKING: Final = "guo-jia-jin-rong-jian-du-guan-li-zong-ju-shang-hai-jian-guan-ju"
PLATFORM: Final = "chang-san-jiao-gong-gong-xin-yong-xin-xi-gong-xiang-ping-tai"
HISTORIES: Final = (PLAN, f"{PLAN}/tasks/21", f"{PLAN}/tasks/65", f"/v1/units/{UNIT}", f"/v1/platforms/{PLATFORM}")
LISTS: Final = (
    "/v1/plans",
    *(f"{PLAN}/{name}" for name in ("parts", "measures", "targets", "platforms", "tasks", "reports")),
    *("/v1/units", "/v1/districts", "/v1/platforms", "/v1/events"),
)
ONES: Final = (
    *(
        PLAN,
        f"{PLAN}/parts/2",
        f"{PLAN}/measures/5",
        f"{PLAN}/tasks/21",
        f"{PLAN}/tasks/65",
        f"{PLAN}/tasks/21/reports",
    ),
    *(f"/v1/units/{UNIT}", f"/v1/units/{BANKING}", "/v1/units/ge-qu-ren-min-zheng-fu", "/v1/units/nowhere"),
    *("/v1/districts/310151", f"/v1/platforms/{PLATFORM}", "/v1/events/21", "/v1/events/400", "/v1/events/755"),
)
MOMENTS: Final = ("position=361&effectiveOn=2023-06-30", "position=650&effectiveOn=2023-10-12")
ASKED: Final = tuple(
    """
{ task(id: "shanghai-credit-2023/21", asOf: {position: 650}, effectiveOn: "2023-10-12") { id text reportedStatus meta { position } latestReports { period recordedAs { position } } } }
{ tasks(plan: "shanghai-credit-2023", asOf: {position: 361}, effectiveOn: "2023-06-30", first: 20) { totalCount pageInfo { endCursor } nodes { id number due } } }
{ unit(id: "shi-ke-wei", asOf: {position: 650}) { id name kind } }
{ district(code: "310151", asOf: {date: "2023-09-30"}) { id name units { name } } }
{ events(asOf: {position: 700}, first: 10) { nodes { position type } } }
{ plan(id: "shanghai-credit-2023", asOf: {position: 500}) { title measures { number title } } }
""".strip().splitlines()  # noqa: E501 - each is one line, as a client sends it
)


def addresses() -> Iterator[str]:
    """Pinned addresses of every kind of resource, in every form."""
    for moment in MOMENTS:
        yield from (f"{path}?{moment}" for path in ONES)
        yield from (f"{path}{form}?{moment}&limit=40" for path in LISTS for form in ("", ".csv", ".ndjson"))
        yield from (f"{path}/history?{moment}" for path in HISTORIES)
        yield from (f"{path}/timemap?{moment}" for path in HISTORIES)
    yield from (f"{path}?asOf=2023-09-30" for path in ONES)
    yield from (
        f"{path}/diff?from=361&fromEffectiveOn=2023-06-30&to=650&toEffectiveOn=2023-10-12"
        for path in (*HISTORIES, "/v1", "/v1/districts/310151")
    )
    yield f"{PLAN}/tasks?position=650&effectiveOn=2023-10-12&unit=shi-ke-wei&sort=-due"
    yield f"{PLAN}/reports?position=650&effectiveOn=2023-10-12&period=2023-Q2&unit={UNIT}"
    yield "/v1/events?position=700&effectiveOn=2023-12-01&type=task.reworded.v1"
    yield f"/v1/events?position=700&effectiveOn=2023-12-01&unit={UNIT}"


async def answers(http: httpx.AsyncClient) -> dict[str, Answer]:
    """What every address answers, and every question in GraphQL."""
    found = {address: answer_of(await http.get(address)) for address in addresses()}
    asked = {query: answer_of(await http.post("/graphql", json={"query": query})) for query in ASKED}
    return found | asked


def answer_of(response: httpx.Response) -> Answer:
    """The part of a response that a client goes by."""
    kind = response.headers.get("Content-Type", "")
    body: Any = response.text
    if "json" in kind:
        lines = response.text.split("\n") if "ndjson" in kind else [response.text]
        body = [json.loads(line) for line in lines if line]
    for one in body if "problem" in kind else ():
        one.pop("traceId")
    return Answer(response.status_code, {key: one for key, one in response.headers.items() if key not in OWN}, body)


def but_for(answer: Answer, named: tuple[Named, ...]) -> Answer:
    """The answer without the differences that are named."""
    for one in named:
        answer = one.leave_out(answer)
    return answer


def path_of(address: str) -> str:
    """What an address is of, for people."""
    return urlsplit(address).path
