"""A query in, its answer out: moments resolved, rows read by one statement each, views projected by the plan."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from graphql import (
    GraphQLError,
    OperationDefinitionNode,
    OperationType,
    located_error,
)
from graphql.execution.values import VariableValues, get_argument_values, get_variable_values

from api.graphql.arguments import given_of
from api.graphql.compiled import Plan, RootField, compiled
from api.graphql.errors import MAX_ERRORS, NotOffered, shortened, too_complex
from api.graphql.introspected import introspected
from api.graphql.moments import Moments, learn_all
from api.graphql.needs import NOTHING, Needs
from api.graphql.queries import keep, query_of
from api.graphql.root import Asked, Scene
from api.graphql.schema import GRAPHQL
from api.graphql.world import MOST, Here
from api.services.reader import Reader
from projections.as_of import AsOf, Moment

NOW: Final = AsOf()
DEAREST: Final = 100_000  # values in one answer, as judged before it is read


class Answer(NamedTuple):
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

    `known` are the answers of the roots that ask of the schema itself.
    """

    plan: Plan
    answers: Mapping[str, Any]
    places: Mapping[str, Here]
    known: dict[str, Any]
    cost: int


async def answer(
    reader: Reader, text: str, variables: Mapping[str, Any], operation_name: str | None, clock: AsOf = NOW
) -> Answer:
    """Answer a query; `clock` holds for the roots that name none."""
    moments = Moments(reader, clock)
    prepared = await prepare(moments, text, variables, operation_name)
    if isinstance(prepared, list):
        return Answer(None, prepared, moments)
    data, errors = projected(prepared)
    while await learn_all(moments, prepared.places):
        data, errors = projected(prepared)
    return Answer(data, errors, moments, prepared.plan.erasable, prepared.cost)


async def prepare(
    moments: Moments, text: str, variables: Mapping[str, Any], operation_name: str | None
) -> Prepared | list[GraphQLError]:
    """Read all that a query needs; or what is wrong with it, before anything is read, and nothing of it is kept."""
    memory = moments.reader.memory
    query = await query_of(memory, text)
    if isinstance(query, list):
        return query
    operation = _chosen(query.document.operations, operation_name)
    if isinstance(operation, GraphQLError):
        return [operation]
    values = get_variable_values(GRAPHQL, operation.variable_definitions or (), dict(variables), max_errors=MAX_ERRORS)
    if isinstance(values, list):
        return values
    key = query.key(operation, values)
    try:
        plan = query.plans.get(key) or compiled(query.document, operation, values)
        known = introspected(query.document, operation, values) if plan.introspects else {}
        asked = {one.key: _asked(one, values) for one in plan.roots}
        cost = _judge(plan, asked)
    except GraphQLError as error:
        return [error]
    if not all(isinstance(one, Exception) for one in asked.values()) or plan.introspects:
        keep(memory, text, query, key, plan)
    answers, places = await _answers(moments, plan, asked)
    return Prepared(plan, answers, places, known, cost)


def _chosen(operations: Sequence[OperationDefinitionNode], name: str | None) -> OperationDefinitionNode | GraphQLError:
    """The operation to execute, as the specification has it (GetOperation)."""
    if name is None and len(operations) > 1:
        return GraphQLError("there are several operations: operationName must say which to execute")
    found = [one for one in operations if name is None or (one.name and one.name.value == name)]
    if not found:
        return GraphQLError(f"the query has no operation named {shortened(repr(name))}")
    if found[0].operation != OperationType.QUERY:
        return NotOffered(f"no {found[0].operation.value} is offered here: write by POST /v1/commands", found[0])
    return found[0]


def _asked(field: RootField, variables: VariableValues) -> Asked | Exception:
    """What a root is asked, or what is wrong with it."""
    try:
        values = get_argument_values(_definition(field), field.nodes[0], variables)
        return field.root.ask(given_of(field.root.arguments, values), field.selection.names)
    except Exception as error:  # noqa: BLE001 - the error of one root is no other root's
        return error


def _definition(field: RootField) -> Any:
    assert GRAPHQL.query_type is not None  # noqa: S101 - the schema has one
    return GRAPHQL.query_type.fields[field.root.name]


def _judge(plan: Plan, asked: Mapping[str, Asked | Exception]) -> int:
    """About how many values the answer will have; GraphQLError if it would be too large."""
    cost = sum(one.selection.cost.of(found.page) for one in plan.roots if isinstance(found := asked[one.key], Asked))
    if cost > DEAREST:
        raise too_complex(
            f"the answer would have about {cost:,} values, and at most {DEAREST:,} are given: ask for smaller pages or "
            "less depth"
        )
    return cost


async def _answers(
    moments: Moments, plan: Plan, asked: Mapping[str, Asked | Exception]
) -> tuple[dict[str, Any], dict[str, Here]]:
    """Each root's answer or error, and where it stands; the roots of one moment share one statement."""
    answers: dict[str, Any] = {key: one for key, one in asked.items() if isinstance(one, Exception)}
    places: dict[str, Here] = {}
    by_moment: dict[Moment, list[RootField]] = {}
    for field in plan.roots:
        one = asked[field.key]
        if isinstance(one, Asked):
            try:
                by_moment.setdefault(await moments.resolve(one.asked, one.resent), []).append(field)
            except Exception as error:  # noqa: BLE001 - as above
                answers[field.key] = error

    async def at(moment: Moment, fields: Sequence[RootField]) -> None:
        those = {field.key: one for field in fields if isinstance(one := asked[field.key], Asked)}
        needs: Needs = NOTHING.union(*(field.selection.needs for field in fields))
        try:
            world, rows = await moments.read(moment, needs, [one.wanted for one in those.values()])
        except Exception as error:  # noqa: BLE001 - as above
            answers.update(dict.fromkeys(those, error))
            return
        for (key, one), own in zip(those.items(), rows, strict=True):
            places[key] = moments.here(world, one.asked, walked=one.at_head)
            answers[key] = await _answered(one, Scene(own, places[key], moments))

    reads = [at(moment, fields) for moment, fields in by_moment.items()]
    if len(reads) == 1:  # the usual case needs no task of its own
        await reads[0]
    else:
        await asyncio.gather(*reads)
    return answers, places


async def _answered(one: Asked, scene: Scene) -> Any:
    try:
        return await one.answer(scene)
    except Exception as error:  # noqa: BLE001 - as above
        return error


def projected(prepared: Prepared) -> tuple[dict[str, Any], list[GraphQLError]]:
    """The data and the errors: a root that fails is null, and no other root minds."""
    data: dict[str, Any] = dict.fromkeys(prepared.plan.keys)
    errors: list[GraphQLError] = []
    for here in prepared.places.values():
        here.budget.left = MOST
    for field in prepared.plan.roots:
        value = prepared.answers[field.key]
        if not isinstance(value, Exception):
            try:
                data[field.key] = field.selection.project(value, prepared.places[field.key])
                continue
            except Exception as error:  # noqa: BLE001 - as above
                value = error
        errors.append(located_error(value, [field.nodes[0]], [field.key]))
    return data | prepared.known, errors
