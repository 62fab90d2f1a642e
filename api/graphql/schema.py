"""The GraphQL root: the same views as REST, at any moment on both clocks."""

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final

import msgspec
import strawberry
from graphql import GraphQLError
from strawberry.extensions import MaxTokensLimiter, QueryDepthLimiter
from strawberry.schema.config import StrawberryConfig
from strawberry.types import Info
from strawberry.types.scalar import ScalarDefinition

from api.answers import Show, only
from api.graphql.connections import Connection, asked_with, connection_of, page, parse_cursor
from api.graphql.moments import moments
from api.graphql.shapes import Context, root_of, shape
from api.reader import Subject
from api.resources import districts, plans, tasks, units
from domain.errors import WrongDate
from domain.values import checked_date, parse_date
from projections.as_of import AsOf, NoSuchMoment
from projections.wanted import Wanted
from projections.views import districts as district_view
from projections.views import plans as plan_view
from projections.views import tasks as task_view
from projections.views import units as unit_view
from projections.views.districts import DISTRICTS, DistrictView
from projections.views.names import PLANS, UNITS
from projections.views.plans import PlanView
from projections.views.tasks import TASKS, TaskView
from projections.views.units import UnitView


@strawberry.input(one_of=True, description="What the public record showed: exactly one of the three.")
class AsOfInput:
    """The recorded clock."""

    date: strawberry.Maybe[dt.date] = strawberry.field(description="The end of this day in Shanghai.")
    instant: strawberry.Maybe[dt.datetime] = strawberry.field(description="An instant with its zone.")
    position: strawberry.Maybe[int] = strawberry.field(description="The log of this size.")


At = Annotated[
    AsOfInput | None, strawberry.argument(description="What the public record showed then. Default: the head.")
]
On = Annotated[
    dt.date | None, strawberry.argument(description="What held on this date. Default: today, else the day of asOf.")
]
First = Annotated[int, strawberry.argument(description="Items on a page, 1 to 200.")]
After = Annotated[str | None, strawberry.argument(description="The endCursor of the page before.")]
Asked = Info[Context, None]


def asked_for(as_of: AsOfInput | None, effective_on: dt.date | None) -> AsOf:
    """The moment that a root field asks for."""
    if effective_on is not None:
        _check(effective_on, "effectiveOn")
    if as_of is None:
        return AsOf(effective_on=effective_on)
    if as_of.position:
        return AsOf(position=as_of.position.value, effective_on=effective_on)
    if as_of.date:
        return AsOf(as_of=_check(as_of.date.value, "asOf"), effective_on=effective_on)
    instant = as_of.instant.value if as_of.instant else None
    if instant is None or instant.tzinfo is None:
        raise NoSuchMoment("an instant needs its zone, as in 2023-06-30T12:00:00+08:00", parameter="asOf")
    _check(instant.date(), "asOf")
    return AsOf(as_of=instant, effective_on=effective_on)


def _check(day: dt.date, parameter: str) -> dt.date:
    """The same day; NoSuchMoment, as REST has it, for one that no calendar of ours has."""
    try:
        return checked_date(day)
    except WrongDate as error:
        raise NoSuchMoment(f"{parameter}: {error}", parameter=parameter) from error


async def one(info: Asked, subject: Subject, wanted: Sequence[Wanted], show: Show[Any], asked: AsOf) -> Any:
    """The one view that is asked for; an error that says from when to when it is there, otherwise."""
    moment, rows = await moments(info).rows(asked, wanted, root_of(info))
    views = show(rows, moment)
    if not views:
        raise await moments(info).reader.absent(subject, moment)
    return msgspec.structs.replace(views[0], meta=moments(info).meta(moment))


async def many(
    info: Asked,
    wanted: Sequence[Wanted],
    show: Show[Any],
    asked: AsOf,
    first: int,
    after: str | None,
    within: Subject | None = None,
) -> Connection:
    """A page of the views that are asked for."""
    cursor = parse_cursor(after) if after is not None else None
    moment, rows = await moments(info).rows(asked_with(asked, cursor), wanted, root_of(info))
    if within and not rows.any(within.table):
        raise await moments(info).reader.absent(within, moment)
    meta = moments(info).meta(moment)
    views = [msgspec.structs.replace(view, meta=meta) for view in show(rows, moment)]
    keys = [str(getattr(view, "id", None) or view.code) for view in views]
    return page(views, keys, moment, meta, first, cursor)


@strawberry.type(description="A public plan at any moment: what the record showed (asOf), what held (effectiveOn).")
class Query:
    """The root fields."""

    @strawberry.field(graphql_type=shape(PlanView) | None, description="One plan with its parts and measures.")
    async def plan(self, info: Asked, id: strawberry.ID, as_of: At = None, effective_on: On = None) -> Any:
        """One plan."""
        asked = asked_for(as_of, effective_on)
        return await one(info, Subject("plan", PLANS, id), plan_view.one(id), plans.show, asked)

    @strawberry.field(graphql_type=shape(TaskView) | None, description="One task, as shanghai-credit-2023/12.")
    async def task(self, info: Asked, id: strawberry.ID, as_of: At = None, effective_on: On = None) -> Any:
        """One task."""
        asked = asked_for(as_of, effective_on)
        return await one(info, Subject("task", TASKS, id), task_view.one(id), tasks.show, asked)

    @strawberry.field(graphql_type=connection_of(TaskView) | None, description="The tasks of a plan, by number.")
    async def tasks(
        self,
        info: Asked,
        plan: strawberry.ID,
        as_of: At = None,
        effective_on: On = None,
        first: First = 100,
        after: After = None,
    ) -> Any:
        """The tasks of a plan."""
        asked = asked_for(as_of, effective_on)
        within = Subject("plan", PLANS, plan)
        return await many(info, task_view.of_plan(plan), tasks.show, asked, first, after, within)

    @strawberry.field(graphql_type=shape(UnitView) | None, description="One unit or group with its tasks.")
    async def unit(self, info: Asked, id: strawberry.ID, as_of: At = None, effective_on: On = None) -> Any:
        """One unit."""
        asked = asked_for(as_of, effective_on)
        subject = Subject("unit", UNITS, id)
        return await one(info, subject, unit_view.every(), lambda rows, at: only(units.show(rows, at), id), asked)

    @strawberry.field(graphql_type=connection_of(UnitView) | None, description="All units and groups, by id.")
    async def units(
        self, info: Asked, as_of: At = None, effective_on: On = None, first: First = 100, after: After = None
    ) -> Any:
        """All units."""
        return await many(info, unit_view.every(), units.show, asked_for(as_of, effective_on), first, after)

    @strawberry.field(graphql_type=shape(DistrictView) | None, description="One district, by its GB/T 2260 code.")
    async def district(self, info: Asked, code: strawberry.ID, as_of: At = None, effective_on: On = None) -> Any:
        """One district."""
        asked = asked_for(as_of, effective_on)
        return await one(
            info,
            Subject("district", DISTRICTS, code),
            district_view.every(),
            lambda rows, at: only(districts.show(rows, at), code, "code"),
            asked,
        )

    @strawberry.field(graphql_type=connection_of(DistrictView) | None, description="All districts, by code.")
    async def districts(
        self, info: Asked, as_of: At = None, effective_on: On = None, first: First = 100, after: After = None
    ) -> Any:
        """All districts."""
        return await many(info, district_view.every(), districts.show, asked_for(as_of, effective_on), first, after)


def _read(parse: Callable[[str], Any]) -> Callable[[object], Any]:
    """A scalar's parser, as strict as that of REST."""

    def parsed(value: object) -> Any:
        try:
            return parse(str(value))
        except (ValueError, msgspec.ValidationError) as error:
            raise GraphQLError(str(error)) from error

    return parsed


SCALARS: Final[dict[object, ScalarDefinition]] = {
    dt.date: strawberry.scalar(
        name="Date", description="A day as 2023-06-30.", serialize=dt.date.isoformat, parse_value=_read(parse_date)
    ),
    dt.datetime: strawberry.scalar(
        name="DateTime",
        description="An instant with its zone, as 2023-06-30T12:00:00+08:00.",
        serialize=dt.datetime.isoformat,
        parse_value=_read(lambda text: msgspec.convert(text, dt.datetime)),
    ),
}
SCHEMA: Final = strawberry.Schema(
    Query,
    config=StrawberryConfig(scalar_map=SCALARS),
    extensions=[lambda: QueryDepthLimiter(max_depth=12), lambda: MaxTokensLimiter(max_token_count=2_000)],
)
