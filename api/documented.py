"""What OpenAPI says of an operation beyond its signature: the query's parameters, the answer's shape, its problems."""

from dataclasses import dataclass
from typing import Any

import msgspec
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Operation, Parameter, Schema

from api.asking import Clocks
from api.problems import MEDIA_TYPE, TITLES, Problem


def operation(query: type[msgspec.Struct]) -> type[Operation]:
    """An operation whose query parameters are the fields of `query`."""
    parameters = _parameters(query)

    @dataclass
    class Asked(Operation):
        def __post_init__(self) -> None:
            self.parameters = [*(self.parameters or []), *parameters]

    return Asked


def _parameters(query: type[msgspec.Struct]) -> list[Parameter]:
    (schema,), components = msgspec.json.schema_components([query])
    del schema
    properties: dict[str, dict[str, Any]] = components[query.__name__]["properties"]
    return [
        Parameter(
            name=name,
            param_in="query",
            required=False,
            description=one.pop("description", None),
            schema=Schema(**_schema(one)),
        )
        for name, one in properties.items()
    ]


def _schema(one: dict[str, Any]) -> dict[str, Any]:
    """The schema without null, which a query cannot say."""
    types = [option for option in one.get("anyOf", [one]) if option.get("type") != "null"]
    return {"type": types[0].get("type"), "examples": one.get("examples")}


def answers(shape: Any, *problems: int) -> dict[int, ResponseSpec]:
    """The shape of a good answer and the statuses of bad ones."""
    good = ResponseSpec(shape, generate_examples=False, description="The record as it stood at the moment asked for.")
    return {200: good, **{status: _problem(status) for status in sorted({400, 404, *problems})}}


def _problem(status: int) -> ResponseSpec:
    return ResponseSpec(Problem, generate_examples=False, media_type=MEDIA_TYPE, description=TITLES[status])


READ = operation(Clocks)
