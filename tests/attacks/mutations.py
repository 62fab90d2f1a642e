"""Requests, and how they are spoilt: byte by byte, header by header, value by value; by a seed the same ones."""

import json
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Final, NamedTuple
from urllib.parse import quote

import msgspec

from api.description.openapi import described_by
from api.main import described_app
from domain.bundled import BUNDLED_PLAN
from tests.contract.test_problems import address, question

TASK: Final = f"{BUNDLED_PLAN}/21"
REASON: Final = {"reason": "试"}
COMMANDS: Final[tuple[dict[str, Any], ...]] = (
    {"type": "task.reword", "task": TASK, "text": "改后的措辞", "effectiveOn": "2023-06-30", "expectedVersion": 4},
    {"type": "task.assign_unit", "task": TASK, "unit": "shi-ke-wei", "role": "support"},
    {"type": "task.set_deadline", "task": TASK, "due": "2023-12-31"},
    {"type": "task.withdraw", "task": TASK},
    {"type": "task.move", "task": TASK, "measure": 3},
    {"type": "progress.report", "task": TASK, "unit": "shi-wei-sheng-jian-kang-wei", "period": "2023-Q1"}
    | {"status": "in_progress", "narrative": "已启动", "evidence": [{"url": "https://example.org/", "title": "简报"}]},
    {"type": "unit.register", "unit": "shi-ji-di-ju", "name": "市极地局", "kind": "body"},
    {"type": "unit.rename", "unit": "shi-ke-wei", "name": "市科技局"},
    {"type": "unit.succeed", "unit": "shi-ke-wei", "successors": ["shi-jiao-wei"]},
    {"type": "group.add_member", "unit": "ge-qu-ren-min-zheng-fu", "member": "shi-ke-wei"},
    {"type": "fact.void", "target": 350},
    {"type": "district.register", "district": "310199", "name": "试区"},
    {"type": "platform.add_alias", "platform": "yi-wang-tong-ban", "alias": "网办"},
)
QUERIES: Final = (
    "{ plans { totalCount nodes { id title counts { tasks } } } }",
    '{ task(id: "shanghai-credit-2023/21", asOf: {position: 300}) { number text inMeasure { title } } }',
    (
        'query Q($u: ID, $n: Int = 3) { tasks(plan: "shanghai-credit-2023", unit: $u, first: $n) { totalCount '
        "edges { cursor node { ...T } } pageInfo { hasNextPage endCursor } } } fragment T on Task { id canonicalId "
        "assignments { role assignee { name unit { kind } } } reports { nodes { period status } } }"
    ),
    (
        '{ unit(id: "shi-ke-wei") { name tasks { number via { name } inTask { number } } '
        "history(last: 2) { nodes { changes { field } } pageInfo { startCursor } } } }"
    ),
    '{ history(of: {task: "shanghai-credit-2023/21"}, last: 3) { nodes { stream fact { type data } } } }',
    '{ events(first: 5, type: "task.added.v1") { nodes { position data cause { reason } } } }',
    "{ __schema { types { name fields { name args { name } } } } }",
    '{ district(code: "310115") @include(if: true) { name units { name } } __typename }',
)
ODD: Final[tuple[Any, ...]] = (
    *(None, True, False, 0, -1, 2**31, 2**53, 2**63, 1e300, 1.5, "", " ", "\u0000", "\ud800", "\u202e", "x" * 3_000),
    *(
        [],
        {},
        [[]],
        [None],
        {"a": {}},
        ["x"] * 50,
        "2023-02-30",
        "9999-12-31",
        "0001-01-01",
        "shanghai-credit-2023/999",
    ),
    *("../..", "%00", "'; DROP TABLE events; --", "{{7*7}}", "𠮷", "2023-06-30T12:00:00+08:00", "NaN"),
)
WORDS: Final = (
    *(
        "asOf",
        "position",
        "effectiveOn",
        "minPosition",
        "limit",
        "cursor",
        "after",
        "type",
        "unit",
        "plan",
        "q",
        "sort",
    ),
    *("from", "to", "dryRun", "district", "role", "kind", "status", "period", "lang", "__proto__", "x"),
)
HEADERS: Final = (
    *("Accept", "Accept-Encoding", "Accept-Datetime", "If-None-Match", "If-Match", "Range", "Content-Type", "Host"),
    *("Authorization", "Idempotency-Key", "Origin", "Cookie", "Expect", "Content-Encoding", "X-Forwarded-For", "TE"),
)
VALUES: Final = (
    *("*/*", "text/csv", "text/csv;q=0, */*", "gzip;q=0", "*", 'W/"x"', "Fri, 30 Jun 2023 04:00:00 GMT", "bytes=0-1"),
    *("application/json", "application/json; charset=utf-16", "multipart/form-data", "Bearer x", "", ",", ";;", "\t"),
    *("a" * 5_000, "Fri, 31 Dec 9999 23:59:59 GMT", "null", "100-continue", "\u00ff", "(", "q=1.0.0", '"'),
)
QUERY_TOKENS: Final = (
    *("{", "}", "(", ")", "[", "]", "!", "$u", "@skip(if: $u)", "@include(if: false)", "...", "... on Task", "...T"),
    *("fragment X on Task { ...X }", "mutation", "subscription", "query", '__type(name: "Task")', "__typename", "null"),
    *(
        '"""',
        '"',
        "#",
        "a: b",
        "tasks",
        "nodes",
        "-1",
        "99999999999999999999",
        "\ufeff",
        "first: 201",
        "type T { a: Int }",
    ),
)


class Request(msgspec.Struct):
    """A request before it is written down; `framing` says how its body's end is told."""

    method: str
    path: str
    headers: list[tuple[str, str]]
    body: bytes = b""
    framing: str = "length"

    def raw(self, random: Random) -> bytes:
        """Its bytes."""
        lines = [f"{self.method} {self.path} HTTP/1.1", *(f"{name}: {value}" for name, value in self.headers)]
        body = self.body
        match self.framing:
            case "chunked":
                cut = random.randrange(len(body) + 1)
                parts = [part for part in (body[:cut], body[cut:]) if part]
                body = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
                lines.append("Transfer-Encoding: chunked")
            case "broken":
                body = b"%x\r\n%b\r\nzz\r\n" % (len(body) or 1, body or b"x")
                lines.append("Transfer-Encoding: chunked")
            case "cut":
                lines.append(f"Content-Length: {len(body) + 1 + random.randrange(50)}")
            case _ if body or self.method == "POST":
                lines.append(f"Content-Length: {len(body)}")
            case _:
                pass
        return "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogatepass") + body


def gets() -> list[str]:
    """Every address that is described, and the pages, each with a question it takes."""
    paths = [
        path for path, item in described_by(described_app())["paths"].items() if "get" in item and path != "/v1/stream"
    ]
    pages = ["/", "/plans/shanghai-credit-2023", "/plans/shanghai-credit-2023/tasks/21", "/units", "/changes", "/docs"]
    asked = [address(path) + (question(path) or "?position=300&effectiveOn=2023-06-30") for path in paths]
    lists = [one.replace("?", ".csv?", 1) for one in asked if "/tasks?" in one or "/events?" in one or "/units?" in one]
    return [*asked, *lists, *pages, "/openapi.json", "/schema.graphql", "/graphql"]


class Spoilt(NamedTuple):
    """The bytes of a request; whether it is surely whole, so that an answer is owed."""

    raw: bytes
    whole: bool


class Mutator:
    """Spoilt requests, one after the other."""

    def __init__(self, seed: int, token: str) -> None:
        self.random = Random(seed)  # noqa: S311 - it is to be the same each time
        self._token = token
        self._gets = gets()

    def next(self) -> Spoilt:
        """Another request."""
        request = self.random.choice([self._get, self._get, self._graphql, self._command])()
        for _ in range(self.random.choice([0, 1, 1, 2, 3])):
            self.random.choice([self._spoil_headers, self._spoil_path, self._spoil_body, self._spoil_form])(request)
        raw = request.raw(self.random)
        if self.random.random() < 0.15:
            return Spoilt(self._spoil_bytes(raw), whole=False)
        return Spoilt(raw, whole=request.framing not in {"broken", "cut"})

    def _get(self) -> Request:
        method = self.random.choice(["GET"] * 8 + ["HEAD", "OPTIONS", "DELETE", "PUT"])
        return Request(method, self.random.choice(self._gets), [("Host", "example.org")])

    def _post(self, path: str, value: Any, *headers: tuple[str, str]) -> Request:
        body = json.dumps(value, ensure_ascii=self.random.random() < 0.5).encode("utf-8", "surrogatepass")
        return Request("POST", path, [("Host", "example.org"), ("Content-Type", "application/json"), *headers], body)

    def _graphql(self) -> Request:
        query = self.random.choice(QUERIES)
        for _ in range(self.random.choice([0, 0, 1, 2, 4])):
            query = self._spoil_query(query)
        value: dict[str, Any] = {"query": query}
        if self.random.random() < 0.3:
            value["variables"] = {"u": self.random.choice(ODD), "n": self.random.choice(ODD)}
        if self.random.random() < 0.1:
            value["operationName"] = self.random.choice(ODD)
        return self._post("/graphql", self._spoil_value(value) if self.random.random() < 0.2 else value)

    def _command(self) -> Request:
        value: Any = {**self.random.choice(COMMANDS), **REASON}
        if self.random.random() < 0.7:
            value = self._spoil_value(value)
        if self.random.random() < 0.3:
            value = [value, *({**self.random.choice(COMMANDS), **REASON} for _ in range(self.random.randrange(4)))]
        return self._post("/v1/commands?dryRun=true", value, ("Authorization", f"Bearer {self._token}"))

    def _spoil_query(self, query: str) -> str:
        tokens = query.split(" ")
        at = self.random.randrange(len(tokens))
        match self.random.randrange(4):
            case 0:
                del tokens[at]
            case 1:
                tokens.insert(at, self.random.choice(QUERY_TOKENS))
            case 2:
                tokens[at:at] = tokens[at : at + self.random.randrange(1, 12)]
            case _:
                tokens[at] = self.random.choice(QUERY_TOKENS)
        return " ".join(tokens)

    def _spoil_value(self, value: Any) -> Any:
        """Somewhere in a JSON value, something else."""
        if isinstance(value, dict) and value and self.random.random() < 0.8:
            fields: dict[str, Any] = dict(value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
            name = self.random.choice(list(fields))
            match self.random.randrange(4):
                case 0:
                    del fields[name]
                case 1:
                    fields[self.random.choice([*WORDS, "replaces", "authority", "expectedVersion"])] = (
                        self.random.choice(ODD)
                    )
                case _:
                    fields[name] = self._spoil_value(fields[name])
            return fields
        return self.random.choice(ODD)

    def _spoil_headers(self, request: Request) -> None:
        at = self.random.randrange(len(request.headers) + 1)
        match self.random.randrange(4):
            case 0 if request.headers:
                del request.headers[at - 1]
            case 1 if request.headers:
                request.headers.insert(at, self.random.choice(request.headers))
            case _:
                request.headers.insert(at, (self.random.choice(HEADERS), self.random.choice(VALUES)))

    def _spoil_path(self, request: Request) -> None:
        path, _, query = request.path.partition("?")
        odd = str(self.random.choice(ODD))
        written = quote(odd.encode("utf-8", "surrogatepass")) if self.random.random() < 0.9 else odd.replace("\r", "")
        match self.random.randrange(5):
            case 0:
                parts = path.split("/")
                parts[self.random.randrange(len(parts))] = written
                path = "/".join(parts)
            case 1:
                path += self.random.choice(
                    ["/", ".csv", ".json", ".ndjson", ".xml", "//", "%2f", "/timemap", "/history"]
                )
            case 2:
                query = "&".join(filter(None, [query, f"{self.random.choice(WORDS)}={written[:2_000]}"]))
            case 3:
                query = "&".join(filter(None, [query, query]))
            case _:
                pairs = query.split("&")
                name = self.random.choice(pairs).partition("=")[0]
                query = f"{name}={written[:2_000]}"
        clean = "".join(one for one in path if one > " ") or "/"
        request.path = clean + (f"?{''.join(one for one in query if one > ' ')}" if query else "")

    def _spoil_body(self, request: Request) -> None:
        body = request.body
        if not body:
            return
        at = self.random.randrange(len(body))
        pieces: Sequence[bytes] = (b"", b"\x00", b"\xff", b'"', b"{", b"[" * 500, b"\\", body[:at], b" " * 2_000)
        request.body = body[:at] + self.random.choice(pieces) + body[at + self.random.randrange(3) :]

    def _spoil_form(self, request: Request) -> None:
        request.framing = self.random.choice(["chunked", "chunked", "broken", "cut", "length"])

    def _spoil_bytes(self, raw: bytes) -> bytes:
        at = self.random.randrange(len(raw))
        changes: Sequence[Callable[[], bytes]] = (
            lambda: raw[:at] + bytes([self.random.randrange(256)]) + raw[at + 1 :],
            lambda: raw[:at] + raw[at + 1 :],
            lambda: raw[:at],
            lambda: raw[:at] + raw[at // 2 : at] + raw[at:],
        )
        return self.random.choice(changes)()
