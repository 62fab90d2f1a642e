"""A query in, its answer out: moments resolved, rows read by one statement each, views projected by the plan."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from graphql import (
    GraphQLError,
    OperationDefinitionNode,
    OperationType,
)
from graphql.execution.values import VariableValues, get_argument_values, get_variable_values

from api.graphql.arguments import given_of
from api.graphql.compiled import Compiled, RootField, compile_query, keep, known_query
from api.graphql.errors import MAX_ERRORS, NotOffered, located, shortened, too_complex
from api.graphql.introspected import introspected
from api.graphql.moments import Inquiry, Moments, Scene, Sent, Several, learn_all
from api.graphql.needs import needed
from api.graphql.projection import Selection
from api.graphql.schema import GRAPHQL_SCHEMA
from api.graphql.world import MOST, Here
from api.services.reader import Reader
from events.steps import Pace
from projections.as_of import AsOf, Moment

NOW: Final = AsOf()
DEAREST: Final = 100_000  # values in one answer, as judged before it is read
ITEM: Final = 100  # values that an item is worth which is looked for by its id
RootPlace = str | tuple[str, int]  # a root's key, or an item of it


class Executed(NamedTuple):
    """What a query is answered: data, unless it was refused before anything was read, and errors.

    `cost` is about how many values it was thought to have, of the DEAREST that are given.
    """

    data: dict[str, Any] | None
    errors: Sequence[GraphQLError]
    moments: Moments
    erasable: bool = False
    cost: int = 0


class Prepared(NamedTuple):
    """A query with all that it needs in memory: each root's answer, or its error, and where its nodes stand.

    `known` are the answers of the roots that ask of the schema itself. A root of many has a list of answers and errors.
    """

    plan: Compiled
    answers: Mapping[str, Any]
    places: Mapping[RootPlace, Here]
    known: dict[str, Any]
    erasable: bool
    cost: int


class AnswerPart(NamedTuple):
    """What is asked at one moment by a root, or by some items of it, whose `places` in it these are."""

    field: RootField
    asked: Inquiry
    selection: Selection
    places: Sequence[int] | None = None


async def answer(
    reader: Reader, text: str, variables: Mapping[str, Any], operation_name: str | None, clock: AsOf = NOW
) -> Executed:
    """Answer a query; `clock` holds for the roots that name none."""
    moments = Moments(reader, clock, Sent(text, variables, operation_name))
    prepared = await make_ready(moments, text, variables, operation_name)
    if isinstance(prepared, list):
        return Executed(None, prepared, moments)
    data, errors = projected(prepared)
    while await learn_all(moments, prepared.places):
        data, errors = projected(prepared)
    return Executed(data, errors, moments, prepared.erasable, prepared.cost)


async def make_ready(
    moments: Moments, text: str, variables: Mapping[str, Any], operation_name: str | None
) -> Prepared | list[GraphQLError]:
    """Read all that a query needs; or what is wrong with it, before anything is read, and nothing of it is kept."""
    memory = moments.reader.memory
    query = await known_query(memory, text)
    if isinstance(query, list):
        return query
    operation = chosen_operation(query.document.operations, operation_name)
    if isinstance(operation, GraphQLError):
        return [operation]
    if operation.operation != OperationType.QUERY:
        return [_not_offered(operation)]
    values = get_variable_values(
        GRAPHQL_SCHEMA, operation.variable_definitions or (), dict(variables), max_errors=MAX_ERRORS
    )
    if isinstance(values, list):
        return values
    key = query.key(operation, values)
    pace = Pace()
    try:
        plan = query.plans.get(key) or compile_query(query.document, operation, values)
        await pace.rest()
        known = introspected(query.document, operation, values) if plan.introspects else {}
        asked, parts, cost = await _judged(plan, values, pace)
    except GraphQLError as error:
        return [error]
    if not plan.wrong and (plan.introspects or not all(isinstance(one, Exception) for one in asked.values())):
        keep(memory, text, query, key, plan)
    answers, places = await _answers(moments, asked, parts)
    answers = {field.key: _placed(field, answers[field.key]) for field in plan.roots}
    return Prepared(plan, answers, places, known, any(one.selection.erasable for one in parts), cost)


def chosen_operation(
    operations: Sequence[OperationDefinitionNode], name: str | None
) -> OperationDefinitionNode | GraphQLError:
    """The operation to execute, as the specification has it (GetOperation)."""
    if name is None and len(operations) > 1:
        return GraphQLError("there are several operations: operationName must say which to execute")
    found = [one for one in operations if name is None or (one.name and one.name.value == name)]
    if not found:
        return GraphQLError(f"the query has no operation named {shortened(repr(name))}")
    return found[0]


def _not_offered(operation: OperationDefinitionNode) -> NotOffered:
    if operation.operation == OperationType.SUBSCRIPTION:
        return NotOffered("subscribe over a websocket at this address, by graphql-transport-ws", operation)
    return NotOffered("no mutation is offered here: write by POST /v1/commands", operation)


def _asked(field: RootField, variables: VariableValues) -> Inquiry | Several | Exception:
    """What a root is asked, or what is wrong with it. One of many is never null: what is wrong with it is thrown."""
    found = field.selection.wrong or _given(field, variables)
    if field.root.many and isinstance(found, Exception):
        raise located(found, field.nodes[0])
    return found


def _given(field: RootField, variables: VariableValues) -> Inquiry | Several | Exception:
    try:
        values = get_argument_values(_definition(field), field.nodes[0], variables)
        given = given_of(field.root.arguments, values, field.selection.cursors)
        return field.root.ask(given, field.selection.names)
    except Exception as error:  # noqa: BLE001 - the error of one root is no other root's
        return error


def _definition(field: RootField) -> Any:
    assert GRAPHQL_SCHEMA.query_type is not None  # noqa: S101 - the schema has one
    return GRAPHQL_SCHEMA.query_type.fields[field.root.name]


async def _judged(
    plan: Compiled, variables: VariableValues, pace: Pace
) -> tuple[dict[str, Inquiry | Several | Exception], list[AnswerPart], int]:
    """What each root is asked, moment by moment, and about how many values that makes; GraphQLError if too many.

    It is counted root by root, as asking may itself take long.
    """
    asked: dict[str, Inquiry | Several | Exception] = {}
    parts: list[AnswerPart] = []
    cost = 0
    for field in plan.roots:
        asked[field.key] = _asked(field, variables)
        own = list(_parts(field, asked[field.key]))
        parts += own
        cost += sum(one.selection.cost.of(one.asked.page) + one.asked.read for one in own) + _looked_for(
            asked[field.key]
        )
        if cost > DEAREST:
            raise too_complex(
                f"the answer would have about {cost:,} values, and at most {DEAREST:,} are given: ask for smaller "
                "pages or less depth"
            )
        await pace.rest()
    return asked, parts, cost


def _looked_for(asked: Inquiry | Several | Exception) -> int:
    """What it is worth to look for items by their ids, whatever is found: each may be an error of its own."""
    return ITEM * len(asked.items) if isinstance(asked, Several) else 0


def _parts(field: RootField, asked: Inquiry | Several | Exception) -> Iterator[AnswerPart]:
    """All that a root is asked, moment by moment."""
    if isinstance(asked, Inquiry):
        yield AnswerPart(field, asked, field.selection.among(asked.types))
    elif isinstance(asked, Several):
        yield from (AnswerPart(field, own, field.selection.among(own.types), places) for own, places in asked.parts)


async def _answers(
    moments: Moments, asked: Mapping[str, Inquiry | Several | Exception], parts: Sequence[AnswerPart]
) -> tuple[dict[str, Any], dict[RootPlace, Here]]:
    """Each root's answer or error, and where it stands; the roots of one moment share one statement."""
    answers: dict[str, Any] = {key: list(one.items) if isinstance(one, Several) else one for key, one in asked.items()}
    places: dict[RootPlace, Here] = {}
    by_moment: dict[Moment, list[AnswerPart]] = {}
    for part in parts:
        try:
            by_moment.setdefault(await moments.resolve(part.asked.start), []).append(part)
        except Exception as error:  # noqa: BLE001 - as above
            _fill(answers, part, error)

    async def at(moment: Moment, those: Sequence[AnswerPart]) -> None:
        needs = needed((one.selection.needs, one.asked.plans) for one in those)
        try:
            world, rows = await moments.read(moment, needs, [one.asked.wanted for one in those])
        except Exception as error:  # noqa: BLE001 - as above
            for one in those:
                _fill(answers, one, error)
            return
        for one, own in zip(those, rows, strict=True):
            here = moments.here(world, one.asked.start.clocks)
            key = one.field.key
            places.update(dict.fromkeys([key] if one.places is None else [(key, place) for place in one.places], here))
            _fill(answers, one, await _answered(one.asked, Scene(own, here, moments)))

    reads = [at(moment, those) for moment, those in by_moment.items()]
    if len(reads) == 1:  # the usual case needs no task of its own
        await reads[0]
    else:
        await asyncio.gather(*reads)
    return answers, places


def _fill(answers: dict[str, Any], part: AnswerPart, answer: Any) -> None:
    """Put an answer, or its error, where it belongs: a root's own, or those of some of its items."""
    if part.places is None:
        answers[part.field.key] = answer
        return
    each = [answer] * len(part.places) if isinstance(answer, Exception) else answer
    for place, one in zip(part.places, each, strict=True):
        answers[part.field.key][place] = one


def _placed(field: RootField, answer: Any) -> Any:
    """A root's answer; its errors, or those of its items, say where they belong."""
    if field.root.many:
        return [_at(field, one, [field.key, place]) for place, one in enumerate(answer)]
    return _at(field, answer, [field.key])


def _at(field: RootField, answer: Any, path: Sequence[str | int]) -> Any:
    return located(answer, field.nodes[0], path) if isinstance(answer, Exception) else answer


async def _answered(one: Inquiry, scene: Scene) -> Any:
    try:
        return await one.answer(scene)
    except Exception as error:  # noqa: BLE001 - as above
        return error


def projected(prepared: Prepared) -> tuple[dict[str, Any], list[GraphQLError]]:
    """The data and the errors: a root that fails, or an item of a root of many, is null, and no other minds."""
    data: dict[str, Any] = dict.fromkeys(prepared.plan.keys)
    errors: list[GraphQLError] = []
    for here in prepared.places.values():
        here.budget.left = MOST

    def project(field: RootField, value: Any, place: RootPlace, path: list[str | int]) -> Any:
        if not isinstance(value, Exception):
            try:
                return field.selection.project(value, prepared.places[place])
            except Exception as error:  # noqa: BLE001 - as above
                value = error
        errors.append(located(value, field.nodes[0], path))
        return None

    for field in prepared.plan.roots:
        key, value = field.key, prepared.answers[field.key]
        if field.root.many:
            data[key] = [project(field, one, (key, place), [key, place]) for place, one in enumerate(value)]
        else:
            data[key] = project(field, value, key, [key])
    return data | prepared.known, errors
