"""GraphQL types made from the views' own Structs: a field added to a view is published by both doors."""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from enum import EnumMeta, StrEnum
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Final, NamedTuple, NewType, Union, get_args, get_origin
from uuid import UUID

import msgspec
import strawberry
from msgspec import UnsetType
from strawberry.scalars import JSON
from strawberry.types import Info

from api.graphql.connections import PAGING, PageInfo, connection, taking, turn_of
from api.graphql.edges import EDGES, PAGE, Edge, named, needs_of, needs_of_field, read_for, size_of
from api.graphql.ids import KEYS, KINDS
from api.graphql.needs import NO_NEEDS, Needs
from api.graphql.remembered import ON_NOTHING, Depends
from api.graphql.words import described
from api.graphql.world import Here
from projections.as_of import Meta
from projections.views.events import EventView
from projections.views.targets import TargetView

Context = dict[str, Any]
PositionScalar = NewType("PositionScalar", int)
INSTANTS: Final = {"recorded_at", "from_recorded_at", "to_recorded_at", "as_of"}  # views hold them as they are sent
NULLABLE: Final = {("Meta", "self_")}  # what REST always has: a query may be too long for an address
POSITIONS: Final = {"position", "event", "replaces", "standing", "from_", "to"}


class Field(NamedTuple):
    """How a field is had from a value: by its attribute, or by following it at the moment where the value stands.

    What follows to one of `pages` finds a list, of which a page is asked for.
    """

    attribute: str | None = None
    follow: Callable[[Any, Here], Any] | None = None
    needs: Needs = NO_NEEDS
    leaves: bool = False  # the plan of the value
    size: int = 1  # about how many there are of it
    read: int = 0  # values that it is worth to read it, whatever is shown of it
    pages: bool = False
    depends: Depends = ON_NOTHING


@strawberry.interface(name="Node", description="What has an id of its own: `node(id:)` finds it again.")
class Node:
    """Relay's interface, of every kind in `ids.KEYS`."""

    _id: strawberry.ID = strawberry.field(name="id", description=described("Node", "id"))


FIELDS: Final[dict[tuple[str, str], Field]] = {}  # by the names of the type and of the field
STRUCTS: Final[dict[str, type[msgspec.Struct]]] = {}  # by the names of the types that are made from them
_TYPES: Final[dict[str, Any]] = {}


def shape(struct: type[msgspec.Struct], name: str | None = None) -> Any:
    """The GraphQL type of a view, whose fields are read off the Struct as it is, and whose edges lead to others.

    What the record is about is a Node: its `id` names its stream and the moment it was read at, so that a normalising
    cache never mixes two dates. What merely names another thing is none: it has that thing's `canonicalId`.
    """
    name = name or type_name(struct)
    if name not in _TYPES:
        STRUCTS[name] = struct
        above = (Node,) if name in KINDS else ()
        made = type(name, above, {"__annotations__": {}})
        _TYPES[name] = made  # known before it is filled: edges go in circles
        _fill(made, name, struct)
        strawberry.type(made, name=name, description=described(name) or struct.__doc__)
    return _TYPES[name]


def type_name(struct: type[msgspec.Struct]) -> str:
    """What a view is called; a target in a plan's list says more than one in its task."""
    return "PlanTarget" if struct is TargetView else struct.__name__.removesuffix("View")


def _fill(made: Any, name: str, struct: type[msgspec.Struct]) -> None:
    for field in msgspec.structs.fields(struct):
        if field.name not in {"id", "meta", "task_counts"}:
            _attribute(made, name, field)
    if issubclass(made, Node):
        _identified(made, name, struct)
    elif "id" in struct.__struct_fields__:
        _canonical(made, name, struct, lambda one: one.id)
    if "meta" in struct.__struct_fields__:
        meta = next(one for one in msgspec.structs.fields(struct) if one.name == "meta")
        _computed(made, name, Edge("meta", _meta), graphql_type(meta.type))
    for edge in EDGES.get(name, ()):
        _computed(made, name, edge, _ends(edge))


def _identified(made: Any, name: str, struct: type[msgspec.Struct]) -> None:
    kind = KINDS[name]
    key = KEYS[kind]

    def locate(one: Any, here: Here) -> str:
        return f"{kind}:{key(one)}{here.suffix}"

    def is_type_of(_: Any, one: Any, __: Any) -> bool:
        return isinstance(one, struct)

    made.is_type_of = classmethod(is_type_of)
    _computed(made, name, Edge("id", locate, depends=frozenset({"suffix"})), strawberry.ID)
    _canonical(made, name, struct, key)


def _canonical(made: Any, name: str, struct: type[msgspec.Struct], key: Callable[[Any], str]) -> None:
    def canonical(one: Any, _: Here) -> str:
        return key(one)

    _computed(made, name, Edge("canonicalId", canonical, depends=ON_NOTHING), strawberry.ID)
    attribute = next((one for one in ("id", "code") if one in struct.__struct_fields__), None)
    if attribute:  # it is had with all others at once
        FIELDS[name, "canonicalId"] = Field(attribute=attribute)


def _meta(_: Any, here: Here) -> Meta:
    return here.meta


def _attribute(made: Any, owner: str, field: msgspec.structs.FieldInfo) -> None:
    """A field that both doors have. A UUID is text in GraphQL, and goes as an edge that leads nowhere."""
    name, type_ = field.encode_name, _bare(field.type)
    if type_ is UUID:

        def spelt(one: Any, _: Here) -> str:
            return str(getattr(one, field.name))

        _computed(made, owner, Edge(name, spelt, depends=ON_NOTHING), str)
        return
    size = size_of(owner, name) if get_origin(type_) is tuple else 1
    FIELDS[owner, name] = Field(attribute=field.name, needs=needs_of_field(owner, name), size=size)
    shown = graphql_type(field.type, owner, field.name)
    made.__annotations__[field.name] = shown | None if (owner, field.name) in NULLABLE else shown
    setattr(made, field.name, strawberry.field(name=name, description=described(owner, name, field.type)))


def _computed(made: Any, owner: str, edge: Edge, type_: Any) -> None:
    follow = edge.follow

    def resolve(root: Any, info: Info[Context, None], **values: Any) -> Any:
        found, here = follow(root, place_of(info)), place_of(info)
        return connection(found, turn_of(values).of(found), here) if edge.pages else found

    taking(PAGING if edge.pages else (), resolve)
    FIELDS[owner, edge.name] = Field(
        follow=follow,
        needs=needs_of(edge.to) | edge.besides,
        leaves=edge.leaves,
        size=size_of(owner, edge.name) if edge.many else 1,
        read=read_for(edge.to),
        pages=edge.pages,
        depends=edge.depends,
    )
    description = edge.description or described(owner, edge.name)
    setattr(
        made,
        f"_{edge.name}",
        strawberry.field(resolver=resolve, name=edge.name, description=description, graphql_type=type_),
    )


def _ends(edge: Edge) -> Any:
    struct = edge.leads_to()
    if edge.pages:
        return connection_of(struct)
    node = shape(struct)
    if edge.many:
        return list[node]
    return node | None if edge.optional else node


def connection_of(struct: type[msgspec.Struct]) -> Any:
    """The Relay connection type of a view. Facts are not counted: the log's size stands in `meta.position`."""
    node, name = shape(struct), f"{type_name(struct)}Connection"
    if name not in _TYPES:
        edge = _made(f"{type_name(struct)}Edge", {"cursor": str, "node": node})
        counted = {} if struct is EventView else {"totalCount": int}
        fields = {"edges": list[edge], "nodes": list[node], "pageInfo": shape(PageInfo), **counted, "meta": shape(Meta)}
        _TYPES[name] = _made(name, fields)
    return _TYPES[name]


def _made(name: str, fields: dict[str, Any]) -> Any:
    namespace: dict[str, Any] = {"__annotations__": {}}
    for field, type_ in fields.items():
        attribute = {"pageInfo": "page_info", "totalCount": "total_count"}.get(field, field)
        FIELDS[name, field] = Field(attribute=attribute, size=PAGE if field in {"edges", "nodes"} else 1)
        namespace["__annotations__"][attribute] = type_
        namespace[attribute] = strawberry.field(name=field, description=described(name, field))
    return strawberry.type(type(name, (), namespace), name=name, description=described(name))


def place_of(info: Info[Context, None]) -> Here:
    """Where the root stands that this field hangs from, or the item of it, under the names by which it is asked for."""
    places, path = info.context["places"], info.path.as_list()
    return places.get(path[0]) or places[path[0], path[1]]


def _bare(type_: Any) -> Any:
    """A type without its annotations."""
    return get_args(type_)[0] if get_origin(type_) is Annotated else type_


def graphql_type(type_: Any, owner: str = "", field: str = "") -> Any:
    """The GraphQL counterpart of a Struct field's type."""
    type_ = _bare(type_)
    origin, args = get_origin(type_), [one for one in get_args(type_) if one is not UnsetType]
    if origin in {Union, UnionType}:
        some = [graphql_type(one, owner, field) for one in args if one is not NoneType]
        optional = len(some) < len(get_args(type_))
        return some[0] | None if optional else some[0]
    if origin in {tuple, list, Sequence}:
        return list[graphql_type(args[0], owner, field)]
    if origin is dict:
        return JSON
    if type_ is Any:
        return JSON | None
    if isinstance(type_, EnumMeta):
        return enum(type_)
    if isinstance(type_, type) and issubclass(type_, msgspec.Struct):
        return shape(type_, named(owner, field) if type_.__name__ == "Named" else None)
    if type_ is int:
        return PositionScalar if field in POSITIONS else int
    if type_ is str and field in INSTANTS:
        return datetime
    return type_ if type_ in {bool, date} else str


@cache
def enum(type_: Any) -> Any:
    """An enum whose names are its values on the wire: both doors say `by_duty`. What is no name is spelt as one."""
    names: Any = StrEnum(type_.__name__, {_spelt(one): one.value for one in type_})
    return strawberry.enum(names, description=described(type_.__name__) or type_.__doc__)


def _spelt(one: StrEnum) -> str:
    return one.value if one.value.isidentifier() else one.name.lower()
