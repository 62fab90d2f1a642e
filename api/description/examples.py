"""The examples of openapi.json: real answers on the demo's year, asked for when openapi/ is written.

What differs from run to run, such as the id of a request or a salt and its digest, is always written as the same one.
"""

import csv
import io
import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import httpx

from api.catalogue.catalogs import JSON_LD, TURTLE
from api.http.formats import EXPORT_TYPES, FEED_TYPES, PLAN_TYPES, ExportForm, FeedForm, PlanForm
from api.http.question import CLOUDEVENTS
from domain.bundled import BUNDLED_PLAN

WRITTEN: Final = Path(__file__).parent / "examples.json"  # in the package, since the server publishes them
LONGEST_LIST: Final = 2  # elements of a list that are shown
CHECKPOINT: Final = (
    "record.example/9f1c3b5a7d2e4860\n361\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n"
    "\u2014 record.example/9f1c3b5a7d2e4860 …\n"
)
TLOG_PROOF: Final = f"c2sp.org/tlog-proof@v1\nindex 352\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n{CHECKPOINT}"
RANDOM: Final = {
    "log": "9f1c3b5a7d2e4860",
    "leafHash": "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "root": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "traceId": "0af7651916cd43dd8448eb211c80319c",
    "request": "018744a0-c680-7000-8000-000000000000",
    "correlationid": "018744a0-c680-7000-8000-000000000000",
    "source": "/log/9f1c3b5a7d2e4860",
    "salt": "Zm9yIGV4YW1wbGUgYWxvbmU",
    "digest": "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU",
    "_sd": "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU",
    "hashes": "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "consistency": "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "checkpoint": CHECKPOINT,
    "fileName": "planrecord_9f1c3b5a_all_tasks_p759_2023-12-31.csv",
    "dc:identifier": "9f1c3b5a7d2e4860:759",
    "note": CHECKPOINT,
    "answer": "{…}",
}
CATALOGUED: Final = ("dcat:Catalog", "dcat:Dataset", "dcat:Distribution")
OTHER_FORMS: Final = ("text/csv", "application/x-ndjson")
REWORD: Final = {
    "type": "task.reword",
    "task": f"{BUNDLED_PLAN}/12",
    "text": "推进社会信用体系建设立法。",
    "effectiveOn": "2023-12-01",
    "reason": "示例",
}
PROGRESS_REPORT: Final = {
    "type": "progress.report",
    "task": f"{BUNDLED_PLAN}/21",
    "unit": "shi-yi-bao-ju",
    "period": "2023",
    "status": "completed",
    "narrative": "示例。",
    "evidence": [{"url": "https://example.org/evidence", "title": "示例"}],
}
THEN_AND_NOW: Final = (
    f'{{ then: task(id: "{BUNDLED_PLAN}/21", asOf: {{date: "2023-06-30"}}) {{ reportedStatus }} '
    f'now: task(id: "{BUNDLED_PLAN}/21") {{ reportedStatus due }} }}'
)
BODIES: Final[dict[str, dict[str, Any]]] = {
    "/v1/commands": {"edit": REWORD, "report": PROGRESS_REPORT, "list": [REWORD, PROGRESS_REPORT]},
    "/graphql": {"thenAndNow": {"query": THEN_AND_NOW}},
    "/v1/demo/clock": {"later": {"now": "2023-12-31T18:30:00+08:00"}},
}
REFUSED: Final[dict[str, dict[int, Any]]] = {
    "/v1/commands": {
        400: {"type": "task.reword"},
        404: REWORD | {"task": f"{BUNDLED_PLAN}/999"},
        409: REWORD | {"expectedVersion": 0},
        422: PROGRESS_REPORT | {"unit": "shi-ke-wei"},
    },
    "/graphql": {400: {"variables": {}}},
    "/v1/demo/clock": {400: {"now": "noon"}, 409: {"now": "2023-01-01T00:00:00+08:00"}},
}
BINARY: Final = frozenset({EXPORT_TYPES[ExportForm.PARQUET], EXPORT_TYPES[ExportForm.XLSX]})  # nobody reads those
Example = dict[str, Any]  # request: the address; answers: status → media type → the body


async def examples(described: Mapping[str, Any], http: httpx.AsyncClient, token: str) -> dict[str, Example]:
    """For each operation of `described` the question and its answers, good and bad; those that write come last."""
    found: dict[str, Example] = {}
    operations = [(method, path, one) for path, item in described["paths"].items() for method, one in item.items()]
    for method, path, operation in sorted(operations, key=lambda one: one[0]):
        asked = _reads if method == "get" else _writes
        answers: Example = {}
        async for response in asked(http, path, operation, token):
            kind = response.headers["Content-Type"].partition(";")[0]
            if kind not in BINARY:
                answers.setdefault(str(response.status_code), {})[kind] = _shown(response, kind)
        found[f"{method.upper()} {path}"] = {"request": example_address(path, operation), "answers": answers}
    return found


def example_address(path: str, operation: Mapping[str, Any]) -> str:
    """The path, each part and each parameter that must be given as its description has it, and a short page."""
    query: list[str] = []
    for one in operation.get("parameters", ()):
        value = next(iter(one["schema"].get("examples", ())), None)
        if one["in"] == "path":
            path = path.replace(f"{{{one['name']}}}", str(value))
        elif one["name"] == "limit":
            query.append(f"limit={LONGEST_LIST}")
        elif one.get("required") or one["name"] == "follow":  # a stream that goes on is no example
            told = str(value).lower() if isinstance(value, bool) else quote(str(value))
            query.append(f"{one['name']}={told}")
    return f"{path}?{'&'.join(query)}" if query else path


async def _reads(
    http: httpx.AsyncClient, path: str, operation: Mapping[str, Any], _: str
) -> AsyncIterator[httpx.Response]:
    url = example_address(path, operation)
    yield await http.get(url)
    if path.endswith("/proof"):
        yield await http.get(url, headers={"Accept": "application/json"})
    if path == "/v1/events":
        yield await http.get(url, headers={"Accept": CLOUDEVENTS})
    names = {one["name"] for one in operation.get("parameters", ())}
    if "limit" in names:  # a list
        for form in OTHER_FORMS:
            yield await http.get(url, headers={"Accept": form})
    if "follow" in names:
        yield await http.get(url.replace("?", ".ndjson?"))
    for clock in names & {"asOf", "from"}:
        for wrong in ("30 June", "2022-12-31"):  # no date, and a day before the record's first
            yield await http.get(url, params={clock: wrong})


async def _writes(
    http: httpx.AsyncClient, path: str, operation: Mapping[str, Any], token: str
) -> AsyncIterator[httpx.Response]:
    del operation
    known = {"Authorization": f"Bearer {token}"}
    for body in REFUSED[path].values():
        yield await http.post(path, json=body, headers=known)
    if path.startswith("/v1/"):
        yield await http.post(path, json=next(iter(BODIES[path].values())))
    yield await http.post(path, content="{}", headers=known | {"Content-Type": "text/plain"})
    yield await http.post(path, json=next(iter(BODIES[path].values())), headers=known)


def _shown(response: httpx.Response, kind: str) -> Any:
    if kind == "text/csv":
        return _printed(list(csv.reader(io.StringIO(response.text)))[: LONGEST_LIST + 1])
    if kind == "application/x-ndjson":
        return "".join(f"{json.dumps(_short(json.loads(line)), ensure_ascii=False)}\n" for line in _lines(response))
    if kind == "text/event-stream":
        return _streamed(response.text)
    if kind == "text/plain":
        return TLOG_PROOF
    if kind in FEED_TYPES.values():
        return _feed(response.text, kind)
    if kind == PLAN_TYPES[PlanForm.STRATML].partition(";")[0]:
        return _stratml(response.text)
    if kind in {TURTLE, JSON_LD} or (response.url.path == "/datapackage.json" and response.is_success):
        return _catalogued(response.text, kind)
    if not kind.endswith("json"):
        return response.text
    return _short(response.json())


def _streamed(text: str) -> str:
    """The first events of a stream."""
    shown = "\n\n".join(text.split("\n\n")[: LONGEST_LIST + 1]) + "\n\n"
    shown = re.sub(r"(?<=^id: )\w+", RANDOM["log"], shown, flags=re.MULTILINE)
    return re.sub(
        r"(?<=^data: ).*",
        lambda found: json.dumps(_short(json.loads(found[0])), ensure_ascii=False),
        shown,
        flags=re.MULTILINE,
    )


def _feed(text: str, kind: str) -> Any:
    """A feed with its first entries, and always the same where it is random."""
    (log,) = set(re.findall("urn:planrecord:([0-9a-f]{16}):", text))
    text = re.sub("[0-9a-f]{64}", RANDOM["leafHash"], text).replace(log, RANDOM["log"])
    if kind != FEED_TYPES[FeedForm.ATOM]:
        return _short(json.loads(text))
    entries = text.split("<entry>")
    return "<entry>".join(entries[: LONGEST_LIST + 1]) + ("</feed>" if len(entries) > LONGEST_LIST + 1 else "")


def _stratml(text: str) -> str:
    """A plan with its first goal and that one's first objectives, and always the same where it is random."""
    (log,) = set(re.findall("([0-9a-f]{16}):[0-9]+ ", text))
    text = re.sub("(?<!:)[0-9a-f]{64}", RANDOM["root"], text).replace(log, RANDOM["log"])
    head, *goals = text.split("<Goal>")
    goal, *objectives = goals[0].split("<Objective>")
    shown = "<Objective>".join([goal, *objectives[:LONGEST_LIST]])
    return f"{head}<Goal>{shown}</Goal>{goals[-1].rpartition('</Goal>')[2]}"


def _catalogued(text: str, kind: str) -> Any:
    """A catalogue with the first of each kind of thing in it, and always the same where it is random."""
    (log,) = set(re.findall("urn:planrecord:([0-9a-f]{16}):", text))
    text = re.sub("[0-9a-f]{64}", RANDOM["root"], text).replace(log, RANDOM["log"]).replace(log[:8], RANDOM["log"][:8])
    if kind == TURTLE:
        prefixes, *nodes = text.split("\n\n")
        shown = [next(one for one in nodes if f" a {name} ;" in one) for name in CATALOGUED]
        return "\n\n".join([prefixes, *shown]) + "\n"
    found = json.loads(text)
    if "@graph" in found:
        nodes = found["@graph"]
        found["@graph"] = [next(one for one in nodes if one["@type"] == name) for name in CATALOGUED]
        return {name: value if name == "@context" else list(map(_short, value)) for name, value in found.items()}
    return _short(found)


def _printed(rows: list[list[str]]) -> str:
    text = io.StringIO()
    header, *below = rows
    csv.writer(text).writerows([header, *([_cell(*one) for one in zip(header, row, strict=True)] for row in below)])
    return text.getvalue()


def _cell(column: str, text: str) -> str:
    name = column.rpartition(".")[2]
    if name in RANDOM and text:
        return RANDOM[name]
    return json.dumps(_short(json.loads(text)), ensure_ascii=False) if text.startswith(("[", "{")) else text


def _lines(response: httpx.Response) -> Iterator[str]:
    yield from response.text.splitlines()[:LONGEST_LIST]


def _same(name: str, value: Any) -> Any:
    if name not in RANDOM or not isinstance(value, (str, list)):
        return _short(value)
    return RANDOM[name] if isinstance(value, str) else [RANDOM[name]]


def _short(value: Any) -> Any:
    """The value with its lists cut, and always the same where it is random."""
    match value:
        case dict():
            found: dict[str, Any] = {}
            for name, one in value.items():  # pyright: ignore[reportUnknownVariableType]
                found[str(name)] = _same(str(name), one)  # pyright: ignore[reportUnknownArgumentType]
            return found
        case list():
            return [_short(one) for one in value[:LONGEST_LIST]]  # pyright: ignore[reportUnknownVariableType]
        case _:
            return value
