"""Where REST keeps each kind of subject, and in which words it says so; its handlers are made from this."""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, NamedTuple

from litestar import get
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Operation

from api.http.answers import Answer
from api.http.formats import PlanForm
from api.http.paths import Code, Ordinal, PlanKey, PlatformKey, TaskNumber, UnitKey
from api.http.question import Ask
from projections.views.subjects import Kind

Parts = Mapping[str, Any]  # of an address, by their names, each with its type


class Address(NamedTuple):
    """Where the subjects of a kind are: the `path` of one, whose `parts` make its key; its list lies one step above.

    `one`, `all` and `diff` say in OpenAPI what stands there; `diff` of those alone that have streams of their own.
    `standard`: in which one is given besides, elsewhere.
    """

    path: str
    parts: Parts
    tag: str
    all: str
    one: str
    diff: str = ""
    standard: PlanForm | None = None

    @property
    def above(self) -> tuple[str, Parts]:
        """The path of the list, and its parts."""
        *names, _ = self.parts
        return self.path.rpartition("/")[0], {name: self.parts[name] for name in names}


# A report has none of its own: it stands in the lists of its task and its plan.
ADDRESSES: Final[Mapping[Kind, Address]] = {
    Kind.PLAN: Address(
        "/v1/plans/{plan:str}",
        {"plan": PlanKey},
        "plans",
        all="All plans as the record showed them.",
        one="One plan with its parts and measures, as the record showed it.",
        diff="What changed of a plan, its parts and its measures between two moments.",
        standard=PlanForm.STRATML,
    ),
    Kind.PART: Address(
        "/v1/plans/{plan:str}/parts/{number:int}",
        {"plan": PlanKey, "number": Ordinal},
        "plans",
        all="The parts of a plan, by number.",
        one="One part of a plan, with the numbers of its measures.",
    ),
    Kind.MEASURE: Address(
        "/v1/plans/{plan:str}/measures/{number:int}",
        {"plan": PlanKey, "number": Ordinal},
        "plans",
        all="The measures of a plan, by number.",
        one="One measure of a plan: its title, its prose, and what no task carries of it.",
    ),
    Kind.TASK: Address(
        "/v1/plans/{plan:str}/tasks/{key:int}",
        {"plan": PlanKey, "key": TaskNumber},
        "tasks",
        all="The tasks of a plan, filtered and sorted, as the record showed them.",
        one="One task as the record showed it.",
        diff="What changed of a task between two moments, its status and the names of its units included.",
    ),
    Kind.UNIT: Address(
        "/v1/units/{unit:str}",
        {"unit": UnitKey},
        "units",
        all="All units and groups as the record showed them, each with its tasks.",
        one="One unit or group as the record showed it, with the tasks it takes part in, directly or through others.",
        diff="What changed of a unit or group between two moments, the tasks that it takes part in included.",
    ),
    Kind.DISTRICT: Address(
        "/v1/districts/{code:str}",
        {"code": Code},
        "districts",
        all="All districts as the record showed them, each with the tasks that name it.",
        one="One district as the record showed it, with the tasks that name it, directly or through a group.",
        diff="What changed of a district between two moments, its units and their tasks included.",
    ),
    Kind.PLATFORM: Address(
        "/v1/platforms/{platform:str}",
        {"platform": PlatformKey},
        "platforms",
        all="All information systems that are known by name, each with the tasks that name it.",
        one="One information system with the tasks that name it, by its name or an alias.",
        diff="What changed of a platform between two moments, the tasks that name it included.",
    ),
}


class Described(NamedTuple):
    """What OpenAPI says of a handler beside its words."""

    operation: type[Operation]
    responses: dict[int, ResponseSpec]
    tag: str


def handler(  # noqa: PLR0913, PLR0917 - all that a handler is made of
    name: str,
    words: str,
    path: str,
    parts: Parts,
    described: Described,
    answer: Callable[[Ask, str], Awaitable[Answer]],
) -> Any:
    """A handler of GET that answers by the key which the parts of its address make."""

    async def handle(request: Ask, **given: Any) -> Answer:
        return await answer(request, "/".join(str(given[part]) for part in parts))

    types = {"request": Ask, **parts}
    parameters = [
        inspect.Parameter(part, inspect.Parameter.KEYWORD_ONLY, annotation=type_) for part, type_ in types.items()
    ]
    handle.__name__ = handle.__qualname__ = name
    handle.__doc__ = words
    handle.__signature__ = inspect.Signature(parameters, return_annotation=Answer)  # type: ignore[attr-defined]
    handle.__annotations__ = {**types, "return": Answer}
    return get(path, operation_class=described.operation, responses=described.responses, tags=[described.tag])(handle)
