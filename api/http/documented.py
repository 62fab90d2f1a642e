"""What OpenAPI says of an operation beyond its signature: the query's parameters, the answer's shape, its problems."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Operation, Parameter, Schema
from msgspec import UNSET, Meta, UnsetType

from api.http.asking import Clocks, Paging, Sheet
from api.http.formats import ExportForm, FeedForm, Format, PlanForm, Suffix
from api.services.problems import PROBLEM_JSON, TITLES, Problem
from projections.lists import Collection


def operation(*queries: type[msgspec.Struct], suffixes: Sequence[Suffix] = ()) -> type[Operation]:
    """An operation whose query parameters are the fields of `queries`, in the forms that suffixes ask for.

    What has a limit is a list, in three forms. A feed, and a plan in a standard, has no address without a suffix.
    """
    parameters = [one for query in queries for one in _parameters(query)]
    listed = any(one.name == "limit" for one in parameters)

    @dataclass
    class Asked(Operation):
        forms: ClassVar[frozenset[Suffix]] = frozenset(Format if listed else suffixes)
        needs_a_form: ClassVar[bool] = any(isinstance(one, FeedForm | PlanForm | ExportForm) for one in suffixes)

        def __post_init__(self) -> None:
            self.parameters = [*(self.parameters or []), *parameters]

    return Asked


def _parameters(query: type[msgspec.Struct]) -> list[Parameter]:
    (schema,), components = msgspec.json.schema_components([query])
    del schema
    properties: dict[str, dict[str, Any]] = components[query.__name__]["properties"]
    required = components[query.__name__].get("required", ())
    return [
        Parameter(
            name=name,
            param_in="query",
            required=name in required,
            description=one.pop("description", None),
            schema=Schema(**_schema(one, components)),
        )
        for name, one in properties.items()
    ]


def _schema(one: dict[str, Any], components: dict[str, Any]) -> dict[str, Any]:
    """The schema without null, which a query cannot say."""
    option = next(option for option in one.get("anyOf", [one]) if option.get("type") != "null")
    option = components[option["$ref"].rpartition("/")[2]] if "$ref" in option else option
    enum = option.get("enum")
    kept = {_NAMES[name]: option[name] for name in _NAMES if name in option}
    type_ = option.get("type")
    # Several values are joined by commas: to whoever sends one, it is a text as before.
    return {
        "type": "string" if enum or type_ == "array" else type_,
        "enum": enum,
        "examples": one.get("examples"),
    } | kept


_NAMES = {"minimum": "minimum", "exclusiveMaximum": "exclusive_maximum", "minLength": "min_length"} | {
    "maximum": "maximum",
    "maxLength": "max_length",
}


def list_operation(collection: Collection[Any, Any]) -> type[Operation]:
    """An operation that lists: its filters, its paging, both clocks."""
    return operation(collection.filter, Paging, Sheet, Clocks)


def answers(shape: Any, *problems: int, media_type: str = "application/json") -> dict[int, ResponseSpec]:
    """The shape of a good answer and the statuses of bad ones."""
    description = "The record as it stood at the moment asked for."
    good = ResponseSpec(shape, generate_examples=False, media_type=media_type, description=description)
    return {200: good, **{status: _problem(status) for status in sorted({400, 404, *problems})}}


def _problem(status: int) -> ResponseSpec:
    return ResponseSpec(Problem, generate_examples=False, media_type=PROBLEM_JSON, description=TITLES[status])


class StreamedEvent(msgspec.Struct, frozen=True):
    """A server-sent event. Without `event`, which is to say `message`, it is a fact, whose `id` names it."""

    data: Annotated[str, Meta(description="An item of /v1/events as JSON, or what `event` tells.")]
    event: Annotated[
        Literal["message", "reset", "notice"] | UnsetType,
        Meta(description="reset: this is another log, and the stream ends; notice: the operator has something to say."),
    ] = UNSET
    id: Annotated[str | UnsetType, Meta(description="The log and the position.", examples=["9f1c3b5a7d2e4860:351"])] = (
        UNSET
    )


def streamed() -> dict[int, ResponseSpec]:
    """A stream of events, and the statuses of bad ones."""
    good = ResponseSpec(
        StreamedEvent,
        generate_examples=False,
        media_type="text/event-stream",
        description="The facts, as they are recorded; each event has this shape.",
    )
    return {200: good, **{status: _problem(status) for status in (400, 404, 409, 503)}}


READ = operation(Clocks)
