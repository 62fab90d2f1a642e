"""How a view becomes what is selected of it: its attributes at once, and in their places what lies below them."""

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import msgspec
from graphql import FieldNode, GraphQLError

from api.graphql.connections import Turn, connection
from api.graphql.edges import PAGE
from api.graphql.errors import located
from api.graphql.needs import NO_NEEDS, Needs, everywhere
from api.graphql.remembered import ON_NOTHING, Depends, Projection, Remembering, both
from api.graphql.shapes import FIELDS, STRUCTS
from api.graphql.world import Here
from api.http.cursors import Cursor
from api.services.problems import Trouble
from projections.views.texts import erasable

MOMENT: Final = 200  # values that it is worth to stand at a moment of one's own


class Cost(NamedTuple):
    """About how many values an answer has: so many, and so many for each item of its page."""

    once: int = 1
    each: int = 0

    def of(self, page: int) -> int:
        """With a page of this size."""
        return self.once + self.each * page


class Selection(NamedTuple):
    """What is selected of a type: how its values are projected, what that needs, and what it costs.

    `cursors`: those of lists below, without their places: they name the moment at which the root stands. `wrong`: what
    is wrong with an argument below.
    `erasable`: it may hold text of reports. `of`: of an interface, what is selected of each type that a value may have.
    `own`: what fields of the values are put together from, which only an edge that leads to them has yet to read: a
    root brings its own nodes whole.
    """

    project: Projection
    needs: Needs
    cost: Cost
    names: frozenset[str]
    depends: Depends = ON_NOTHING
    cursors: tuple[Cursor, ...] = ()
    wrong: GraphQLError | None = None
    erasable: bool = False
    of: "Mapping[str, Selection]" = MappingProxyType({})
    own: Needs = NO_NEEDS

    def among(self, types: Sequence[str]) -> "Selection":
        """The same, once the types of the values are known, one by one."""
        if not types:
            return self
        own = [self.of[one] for one in types]
        return self._replace(
            needs=NO_NEEDS.union(*(one.needs for one in own)),
            cost=Cost(MOMENT + sum(one.cost.of(1) for one in own)),
            erasable=any(one.erasable for one in own),
        )


class Shape:
    """The fields selected of one type, put together into a projection."""

    def __init__(self, type_: str) -> None:
        self._type = type_
        self._keys: list[str] = []
        self._attributes: list[str] = []
        self._then: list[tuple[str, Projection]] = []
        self._needs: Needs = NO_NEEDS
        self._own: Needs = NO_NEEDS
        self._cost = Cost()
        self._names: set[str] = set()
        self._depends: Depends = ON_NOTHING
        self._cursors: dict[Cursor, None] = {}
        self._wrong: GraphQLError | None = None
        self._erasable = type_ in STRUCTS and erasable(STRUCTS[type_])

    def typename(self, key: str) -> None:
        """The type's own name."""
        self._put(key, "__class__", lambda _value, _here, name=self._type: name)

    def page(self, key: str, node: FieldNode, turn: Turn, below: Selection) -> None:
        """A page of a list, with what is selected below it. It costs no more than is thought to be there."""
        name = node.name.value
        field = FIELDS[self._type, name]
        assert field.follow is not None  # noqa: S101 - no view keeps lists of which pages are asked for
        project, follow = below.project, _paged(field.follow, turn, node)
        self._put(key, "__class__", lambda one, here: project(follow(one, here), here))
        if turn.cursor:
            self._cursors[msgspec.structs.replace(turn.cursor, place=())] = None
        self._add(name, below, 1, Cost(field.read + below.cost.of(min(turn.limit, field.size))))

    def refuse(self, error: GraphQLError) -> None:
        """Something is wrong with the arguments of a field."""
        self._wrong = self._wrong or error

    def add(self, key: str, name: str, below: Selection) -> None:
        """A field, with what is selected below it."""
        field, project = FIELDS[self._type, name], below.project
        if field.follow is not None:
            follow = field.follow
            self._put(
                key,
                "__class__",
                (lambda one, here: project(follow(one, here), here)) if project is not _as_it_is else follow,
            )
        elif field.attribute and project is not _as_it_is:
            get = attrgetter(field.attribute)
            self._put(key, field.attribute, lambda one, here: project(get(one), here))
        else:
            self._put(key, field.attribute or "", None)
        self._add(name, below, field.size, below.cost)

    def _add(self, name: str, below: Selection, size: int, cost: Cost) -> None:
        field = FIELDS[self._type, name]
        if field.follow is None:
            self._needs |= below.needs
            self._own |= field.needs | below.own
        else:
            needs = below.needs | field.needs | below.own
            self._needs |= everywhere(needs) if field.leaves else needs
        self._names.add(name)
        self._depends = both(self._depends, both(field.depends, below.depends))
        self._erasable = self._erasable or below.erasable
        self._cursors |= dict.fromkeys(below.cursors)
        self._wrong = self._wrong or below.wrong
        self._charge(size, cost)

    def _charge(self, size: int, below: Cost) -> None:
        once, each = self._cost
        self._cost = (
            Cost(once, each + below.once) if size == PAGE else Cost(once + size * below.once, each + below.each)
        )

    def _put(self, key: str, attribute: str, then: Projection | None) -> None:
        self._keys.append(key)
        self._attributes.append(attribute)
        if then:
            self._then.append((key, then))

    def selection(self) -> Selection:
        """How a value becomes what is selected of it."""
        project = _projection(tuple(self._keys), self._attributes, self._then)
        names = frozenset(self._names)
        return Selection(
            project,
            self._needs,
            self._cost,
            names,
            self._depends,
            tuple(self._cursors),
            self._wrong,
            self._erasable,
            own=self._own,
        )


def _paged(follow: Projection, turn: Turn, node: FieldNode) -> Projection:
    """The page that is asked for of the list that is found."""

    def page(value: Any, here: Here) -> Any:
        listed = follow(value, here)
        try:
            return connection(listed, turn.of(listed), here)
        except Trouble as error:
            raise located(error, node) from error

    return page


def _projection(keys: tuple[str, ...], attributes: Sequence[str], then: Sequence[tuple[str, Projection]]) -> Projection:
    """All attributes at once and in the answer's order; then in their places what lies below them."""
    get = _attributes(attributes)

    def leaves(value: Any, _: Here) -> Any:
        return dict(zip(keys, get(value), strict=False))

    def nested(value: Any, here: Here) -> Any:
        made = dict(zip(keys, get(value), strict=False))
        for key, project in then:
            made[key] = project(value, here)
        return made

    return nested if then else leaves


def _attributes(names: Sequence[str]) -> Callable[[Any], tuple[Any, ...]]:
    if len(names) > 1:
        return attrgetter(*names)
    if not names:  # all that was selected is left out
        return lambda _: ()
    alone = attrgetter(names[0])
    return lambda value: (alone(value),)


def _as_it_is(value: Any, _: Here) -> Any:
    """A scalar, an enum, or a list of them, which msgspec writes as GraphQL has it."""
    return value


LEAF: Final = Selection(_as_it_is, NO_NEEDS, Cost(), frozenset())


def list_of(project: Projection) -> Projection:
    """Each of a list, or null."""
    together = project.each if isinstance(project, Remembering) else None

    def items(values: Any, here: Here) -> Any:
        if values is None:
            return None
        here.budget.spend(len(values))
        return together(values, here) if together else [project(one, here) for one in values]

    return items


def any_of(of: Mapping[str, Selection]) -> Selection:
    """Of an interface: each value as its own type says."""
    by_struct = {STRUCTS[name]: _refused(one.wrong) if one.wrong else one.project for name, one in of.items()}

    def project(value: Any, here: Here) -> Any:
        return by_struct[type(value)](value, here)

    cursors = tuple(dict.fromkeys(cursor for one in of.values() for cursor in one.cursors))
    return Selection(project, NO_NEEDS, Cost(), frozenset(), None, cursors, of=of)


def _refused(error: GraphQLError) -> Projection:
    """What is wrong with the arguments below a type is wrong for the values that have it alone."""

    def project(_value: Any, _here: Here) -> Any:
        raise error

    return project


def or_null(project: Projection) -> Projection:
    """The same, or null."""
    return lambda value, here: project(value, here) if value is not None else None
