"""GraphQL types made from the views' own Structs: a field added to a view is published by both doors."""

from collections.abc import Sequence
from datetime import date
from enum import EnumMeta, StrEnum
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin

import msgspec
import strawberry
from msgspec import UnsetType
from strawberry.scalars import JSON
from strawberry.types import Info

Context = dict[str, Any]
KEYS: Final = ("id", "code")


@cache
def shape(struct: type[msgspec.Struct]) -> Any:
    """The GraphQL type of a view, whose fields are read off the Struct as it is.

    A type with an id (a district's is its code) gets a `canonicalId`; its `id` also names the moment it was read at,
    so that a normalising cache never mixes two dates.
    """
    namespace: dict[str, Any] = {"__annotations__": {}, "__doc__": struct.__doc__}
    key = next((name for name in KEYS if name in struct.__struct_fields__), None)
    for field in msgspec.structs.fields(struct):
        if field.name == "id":
            continue
        type_, description = _described(field.type)
        namespace["__annotations__"][field.name] = graphql_type(type_)
        namespace[field.name] = strawberry.field(name=field.encode_name, description=description)
    if key:
        namespace |= {"id": _located(key), "canonical_id": _canonical(key)}
    name = struct.__name__.removesuffix("View")
    return strawberry.type(type(name, (), namespace), name=name, description=struct.__doc__)


def _located(key: str) -> Any:
    def locate(root: Any, info: Info[Context, None]) -> strawberry.ID:
        return strawberry.ID(getattr(root, key) + info.context["moments"].suffixes.get(root_of(info), ""))

    return strawberry.field(resolver=locate, description="The id; at another moment than now it names the moment.")


def _canonical(key: str) -> Any:
    def canonical(root: Any) -> strawberry.ID:
        return strawberry.ID(getattr(root, key))

    return strawberry.field(resolver=canonical, description="The id, the same at every moment.")


def root_of(info: Info[Context, None]) -> str:
    """The name under which the query asked for the root field that this field hangs from."""
    path = info.path
    while path.prev is not None:
        path = path.prev
    return str(path.key)


def _described(type_: Any) -> tuple[Any, str | None]:
    if get_origin(type_) is not Annotated:
        return type_, None
    inner, *rest = get_args(type_)
    described = [one.description for one in rest if isinstance(one, msgspec.Meta) and one.description]
    return inner, described[0] if described else None


def graphql_type(type_: Any) -> Any:
    """The GraphQL counterpart of a Struct field's type."""
    type_, _ = _described(type_)
    origin, args = get_origin(type_), [one for one in get_args(type_) if one is not UnsetType]
    if origin in {Union, UnionType}:
        some = [graphql_type(one) for one in args if one is not NoneType]
        optional = len(some) < len(get_args(type_))
        return some[0] | None if optional else some[0]
    if origin in {tuple, list, Sequence}:
        return list[graphql_type(args[0])]
    if origin is dict or type_ is Any:
        return JSON
    if isinstance(type_, EnumMeta):
        return _enum(type_)
    if isinstance(type_, type) and issubclass(type_, msgspec.Struct):
        return shape(type_)
    return type_ if type_ in {int, bool, date} else str


@cache
def _enum(type_: type[StrEnum]) -> Any:
    """An enum whose names are its values on the wire: both doors say `by_duty`."""
    named: Any = StrEnum(type_.__name__, {one.value: one.value for one in type_})
    return strawberry.enum(named, description=type_.__doc__)
