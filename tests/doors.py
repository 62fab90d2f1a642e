"""The same question through both doors: REST, and GraphQL with every field that REST answers."""

from typing import Any, get_args

import msgspec

from projections.views.districts import DistrictView
from projections.views.plans import PlanView
from projections.views.tasks import TaskView
from projections.views.units import UnitView
from tests.conftest import Site

ROOTS = {
    "plan": ("id", PlanView),
    "task": ("id", TaskView),
    "unit": ("id", UnitView),
    "district": ("code", DistrictView),
}


def selection(struct: type[msgspec.Struct]) -> str:
    """Every field of a view, nested ones too; `id` by its canonical name, which is the one REST gives."""
    fields = [field for field in msgspec.structs.fields(struct) if field.encode_name != "meta"]
    names = [
        f"{field.encode_name}{_below(field.type)}" if field.encode_name != "id" else "id: canonicalId"
        for field in fields
    ]
    return "{" + " ".join(names) + "}"


def _below(type_: Any) -> str:
    inner = _struct_in(type_)
    return selection(inner) if inner else ""


def _struct_in(type_: Any) -> type[msgspec.Struct] | None:
    if isinstance(type_, type) and issubclass(type_, msgspec.Struct):
        return type_
    return next((found for one in get_args(type_) if (found := _struct_in(one))), None)


def path_of(kind: str, key: str) -> str:
    """Where REST keeps it."""
    plan, _, number = key.partition("/")
    return {
        "plan": f"/v1/plans/{key}",
        "task": f"/v1/plans/{plan}/tasks/{number}",
        "unit": f"/v1/units/{key}",
        "district": f"/v1/districts/{key}",
    }[kind]


async def both(site: Site, kind: str, key: str, as_of: str | int | None, on: str | None) -> Any:
    """What both doors answer, which is the same; or the code of the error that both give."""
    rest = await _rest(site, kind, key, as_of, on)
    graph = await _graphql(site, kind, key, as_of, on)
    assert rest == graph
    return rest


async def _rest(site: Site, kind: str, key: str, as_of: str | int | None, on: str | None) -> Any:
    clock = {"position": as_of} if isinstance(as_of, int) else {"asOf": as_of}
    query = {name: str(value) for name, value in {**clock, "effectiveOn": on}.items() if value is not None}
    body = (await site.http.get(path_of(kind, key), params=query)).json()
    if "code" in body and "traceId" in body:
        return body["code"]
    meta = body.pop("meta")
    return {**body, "meta": {name: meta[name] for name in ("position", "log", "root", "asOf", "effectiveOn", "origin")}}


async def _graphql(site: Site, kind: str, key: str, as_of: str | int | None, on: str | None) -> Any:
    name, view = ROOTS[kind]
    meta = "meta {position log root asOf effectiveOn origin}"
    query = f"""query Q($key: ID!, $asOf: AsOfInput, $on: Date) {{
        {kind}({name}: $key, asOf: $asOf, effectiveOn: $on) {selection(view)[:-1]} {meta}}}
    }}"""
    variables = {"key": key, "asOf": _as_of(as_of), "on": on}
    body = (await site.http.post("/graphql", json={"query": query, "variables": variables})).json()
    if "errors" in body:
        return body["errors"][0]["extensions"]["code"]
    return body["data"][kind]


def _as_of(as_of: str | int | None) -> dict[str, Any] | None:
    match as_of:
        case None:
            return None
        case int():
            return {"position": as_of}
        case _:
            return {"date" if len(as_of) == len("2023-06-30") else "instant": as_of}
