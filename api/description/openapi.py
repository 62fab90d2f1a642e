"""The OpenAPI description: what Litestar finds in the handlers, the bodies that they read themselves, examples."""

import json
from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any, Final

import msgspec
from litestar import Litestar

from api.description.events import add_events
from api.description.examples import BODIES, OTHER_FORMS, WRITTEN, Example
from api.exports.asking import DESCRIBED
from api.feeds.channels import IN_BOTH_FORMS
from api.graphql.door import GraphQLRequest
from api.http import mementos
from api.http.deprecations import mark_deprecated
from api.http.formats import EXPORT_TYPES, EXPORTED, FEED_TYPES, PLAN_TYPES, SIDECAR, ExportForm, FeedForm
from api.http.question import CLOUDEVENTS, STREAM
from api.resources.cloudevents import CloudEvent
from api.services.phrases import Lang
from api.services.problems import PROBLEM_JSON, TITLES
from api.writing.clock import Clock
from domain.commands import AnyCommand

_TOKEN: Final = {
    "type": "http",
    "scheme": "bearer",
    "description": "The writing token, which the first start makes and keeps as `token` in the data folder.",
}
_PROBLEM_LANGUAGE: Final = {
    "description": "The language of `title` and `detail`: `en` unless Accept-Language prefers Chinese, then `zh-Hans`. "
    "All other members are the same in both.",
    "schema": {"type": "string", "enum": [lang.tag for lang in (Lang.EN, Lang.ZH)]},
}
READ_HEADERS: Final = {
    "Log-Position": {"description": "The position that the body was read at.", "schema": {"type": "integer"}},
    "Last-Modified": {
        "description": "When what it shows can last have changed. Ask with If-None-Match: several facts may be of one "
        "second.",
        "schema": {"type": "string", "examples": ["Fri, 30 Jun 2023 04:00:00 GMT"]},
    },
    "ETag": {"description": "Names this very body; If-None-Match spares it.", "schema": {"type": "string"}},
}
FILE_HEADERS: Final = {
    "Repr-Digest": {"description": "The SHA-256 of the whole file (RFC 9530).", "schema": {"type": "string"}},
    "Content-Disposition": {"description": "What the file is called.", "schema": {"type": "string"}},
    "Items": {"description": "How many items it holds.", "schema": {"type": "integer"}},
}
_PARTS: Final = {
    "Range": "A part of the file, as `bytes=1000-`: a download that was cut off goes on.",
    "If-Range": "The ETag of the file that the part is wanted of; of another one all is sent.",
}
_AT_THE_DOOR: Final = (("GET /v1/", 406), ("POST ", 408), ("", 429), ("POST /v1/", 503))
UNCHANGED: Final = "The body that If-None-Match names still stands."


def openapi_json(app: Litestar, shown: Mapping[str, Example] | None = None) -> bytes:
    """The OpenAPI description of an application, with the bodies that its handlers read themselves and examples."""
    described = described_by(app)
    for name, operation in _operations(described):
        one = (json.loads(WRITTEN.read_bytes()) if shown is None else shown).get(name, {"answers": {}})
        for status, contents in one["answers"].items():
            content = operation["responses"].get(status, {}).get("content", {})
            for kind, value in contents.items():
                content.get(kind, {})["examples"] = {"real": {"summary": one["request"], "value": value}}
    return pretty(described)


def described_by(app: Litestar) -> dict[str, Any]:
    """The description without answers as examples."""
    described: dict[str, Any] = app.openapi_schema.to_schema()
    _name_feeds(described)
    _name_exports(described)
    _name_standards(described)
    _add_bodies(described)
    add_events(described)
    described["components"]["securitySchemes"] = {"token": _TOKEN}
    described["components"]["headers"] = {"ProblemLanguage": _PROBLEM_LANGUAGE}
    for name, operation in _operations(described):
        operation["summary"] = operation["description"].partition(". ")[0].rstrip(".")
        if name == f"GET {STREAM}":
            _add_stream(operation)
        elif name.startswith("GET /v1/"):
            _add_of_record(described, name, operation)
        elif name.startswith(("GET /feeds/", "GET /catalog.", "GET /datapackage.")):
            _add_read(operation)
        elif name.startswith("POST /v1/"):
            operation["security"] = [{"token": []}]
        _add_problems(name, operation)
        _add_language(operation)
        mark_deprecated(name, operation)
    return described


def _add_of_record(described: dict[str, Any], name: str, operation: dict[str, Any]) -> None:
    """What a read of the record says beside what its handler does."""
    _add_read(operation)
    if name.endswith("/proof"):
        _add_text(operation)
    if name.startswith(f"GET {EXPORTED}") and SIDECAR not in name:
        _add_file(operation)
    if name == "GET /v1/events":
        _add_cloud_events(described, operation)
    if f"{name.removeprefix('GET ')}/timemap" in described["paths"]:
        _add_mementos(operation)


def _operations(described: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each operation, under a name such as `GET /v1/plans`."""
    for path, item in described["paths"].items():
        for method, operation in item.items():
            yield f"{method.upper()} {path}", operation


def _name_feeds(described: dict[str, Any]) -> None:
    """Have each feed under its addresses, which end in its form, and each form with what it is."""
    for path in [one for one in described["paths"] if one.startswith("/feeds/")]:
        operation = described["paths"].pop(path)["get"]
        shape = operation["responses"]["200"]["content"]["application/json"]
        for form in (FeedForm.ATOM, *([FeedForm.JSON] if path in IN_BOTH_FORMS else [])):
            own: dict[str, Any] = deepcopy(operation)
            own["operationId"] += form.capitalize()
            schema = shape if form is FeedForm.JSON else {"schema": {"type": "string"}}
            own["responses"]["200"]["content"] = {FEED_TYPES[form]: schema}
            described["paths"][f"{path}.{form}"] = {"get": own}


def _name_exports(described: dict[str, Any]) -> None:
    """Have exports under their addresses, which end in their form, and each form with what it is and describes it."""
    for path in [one for one in described["paths"] if one.startswith(EXPORTED)]:
        operation = described["paths"].pop(path)["get"]
        shape = operation["responses"]["200"]["content"]["application/json"]
        for form in ExportForm:
            own: dict[str, Any] = deepcopy(operation)
            own["operationId"] += form.capitalize()
            schema = shape if form is ExportForm.JSON else {"schema": {"type": "string"}}
            own["responses"]["200"]["content"] = {EXPORT_TYPES[form].partition(";")[0]: schema}
            described["paths"][f"{path}.{form}"] = {"get": own}
            if form in DESCRIBED:
                described["paths"][f"{path}.{form}{SIDECAR}.json"] = {"get": _sidecar(operation, form)}


def _sidecar(operation: Mapping[str, Any], form: ExportForm) -> dict[str, Any]:
    """What describes an export that holds nothing but rows."""
    own: dict[str, Any] = deepcopy(dict(operation))
    own["operationId"] += f"{form.capitalize()}Metadata"
    own["description"] = f"What the export as {form.upper()} holds: its columns, its moment, its licence (CSVW)."
    own["responses"]["200"]["content"] = {"application/json": {"schema": {"type": "object"}}}
    for status in ("406", "416", "422"):
        own["responses"].pop(status)
    return own


def _add_file(operation: dict[str, Any]) -> None:
    """What a file is asked for and answered with beside what every read is: a part, its digest, or that it is made."""
    good = operation["responses"]["200"]
    good["headers"] = good["headers"] | FILE_HEADERS
    operation["responses"]["206"] = {"description": "The part of the file that was asked for.", **_bytes(good)}
    place = {"description": "Where it will be.", "schema": {"type": "string"}}
    operation["responses"]["202"] = {"description": "It is being made.", "headers": {"Location": place}}
    for name, what in _PARTS.items():
        asked = {"name": name, "in": "header", "required": False, "description": what, "schema": {"type": "string"}}
        operation["parameters"].append(asked)


def _bytes(good: Mapping[str, Any]) -> dict[str, Any]:
    part = {"description": "Which bytes, of how many.", "schema": {"type": "string"}}
    content = {kind: {"schema": {"type": "string"}} for kind in good["content"]}
    return {"headers": good["headers"] | {"Content-Range": part}, "content": content}


def _name_standards(described: dict[str, Any]) -> None:
    """Have a plan in a standard under its address, which ends in a suffix, and as what it is."""
    for form, media_type in PLAN_TYPES.items():
        for path in [one for one in described["paths"] if one.endswith(f"/.{form}")]:
            operation = described["paths"].pop(path)["get"]
            kind = media_type.partition(";")[0]
            operation["responses"]["200"]["content"] = {kind: {"schema": {"type": "string"}}}
            described["paths"][f"{path.removesuffix(f'/.{form}')}.{form}"] = {"get": operation}


def _add_bodies(described: dict[str, Any]) -> None:
    """What POST takes."""
    bodies = {"/v1/commands": AnyCommand | list[AnyCommand], "/v1/demo/clock": Clock, "/graphql": GraphQLRequest}
    schemas, components = msgspec.json.schema_components(bodies.values(), ref_template="#/components/schemas/{name}")
    for path, schema in zip(bodies, schemas, strict=True):
        given = {name: {"value": value} for name, value in BODIES[path].items()}
        described["paths"][path]["post"]["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": schema, "examples": given}},
        }
    described["components"]["schemas"] = components | described["components"]["schemas"]


def _add_read(operation: dict[str, Any]) -> None:
    """What every read answers beside its own: nothing new, not just now; and the other forms of a list."""
    good = operation["responses"]["200"]
    good["headers"] = READ_HEADERS
    operation["responses"]["304"] = {"description": UNCHANGED, "headers": READ_HEADERS}
    _add_problem(operation, 503)
    if any(one["name"] == "cursor" for one in operation.get("parameters", ())):
        _add_problem(operation, 410)
    if any(one["name"] == "limit" for one in operation.get("parameters", ())):
        good["content"] |= {form: {"schema": {"type": "string"}} for form in OTHER_FORMS}


def _add_stream(operation: dict[str, Any]) -> None:
    """What a stream is asked with beside its query, and its other form."""
    good = operation["responses"]["200"]
    good["headers"] = {"Log-Position": READ_HEADERS["Log-Position"]}
    good["content"]["application/x-ndjson"] = {"schema": {"type": "string"}}
    operation["parameters"].append(
        {
            "name": "Last-Event-ID",
            "in": "header",
            "required": False,
            "description": "Where the stream broke off, as a client of server-sent events says it: the log and the "
            "position. It counts before `after`.",
            "schema": {"type": "string", "examples": ["9f1c3b5a7d2e4860:351"]},
        }
    )


def _add_text(operation: dict[str, Any]) -> None:
    """What a proof is answered as unless Accept prefers JSON: a C2SP tlog-proof."""
    operation["responses"]["200"]["content"]["text/plain"] = {"schema": {"type": "string"}}


def _add_cloud_events(described: dict[str, Any], operation: dict[str, Any]) -> None:
    """What the log is answered as where Accept prefers CloudEvents: a batch in their JSON format."""
    (item,), components = msgspec.json.schema_components([CloudEvent], ref_template="#/components/schemas/{name}")
    described["components"]["schemas"] = components | described["components"]["schemas"]
    operation["responses"]["200"]["content"][CLOUDEVENTS] = {"schema": {"type": "array", "items": item}}


def _add_mementos(operation: dict[str, Any]) -> None:
    """What a resource answers to who browses it through time (RFC 7089)."""
    operation["parameters"].append(
        {
            "name": mementos.HEADER,
            "in": "header",
            "required": False,
            "description": "An HTTP date: the way to the resource as the record showed it then, where no clock is "
            "given. Before its first moment it is the first, in the future the last.",
            "schema": {"type": "string", "examples": ["Fri, 30 Jun 2023 04:00:00 GMT"]},
        }
    )
    place = {"description": "Where it is as it was then.", "schema": {"type": "string"}}
    operation["responses"]["302"] = {"description": "The resource as it was then.", "headers": {"Location": place}}


def _add_problems(name: str, operation: dict[str, Any]) -> None:
    """What the door says of every operation of a kind."""
    for begins, status in _AT_THE_DOOR:
        if name.startswith(begins) and not (status == 406 and "." in name):  # noqa: PLR2004 - what has a suffix has one form
            _add_problem(operation, status)


def _add_problem(operation: dict[str, Any], status: int) -> None:
    content = {PROBLEM_JSON: {"schema": operation["responses"]["400"]["content"][PROBLEM_JSON]["schema"]}}
    operation["responses"].setdefault(str(status), {"description": TITLES[status], "content": content})


def _add_language(operation: dict[str, Any]) -> None:
    """In which language a problem is told."""
    for answer in operation["responses"].values():
        if PROBLEM_JSON in answer.get("content", {}):
            answer["headers"] = {"Content-Language": {"$ref": "#/components/headers/ProblemLanguage"}}


def pretty(value: Any) -> bytes:
    """JSON for people and for diffs: two blanks, one line each."""
    return json.dumps(value, ensure_ascii=False, indent=2, default=msgspec.to_builtins).encode() + b"\n"
