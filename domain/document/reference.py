"""Reference data of the first plan: districts, units, groups, aliases, platforms; read once from the TOML beside it.

Sources: GB/T 2260 for the districts, the official document for every name. Nothing is equated that it does not equate.
"""

import tomllib
from importlib.resources import files
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from domain.values import DistrictCode, Name, PlatformId, UnitId

MapPlace = Annotated[int, Meta(ge=1, le=12)]


class KnownDistrict(msgspec.Struct, frozen=True, rename="camel"):
    """A district with its GB/T 2260 code; `row` and `column` of a map of tiles, from 1, are said by no fact."""

    code: DistrictCode
    name: Name
    row: MapPlace | None = None
    column: MapPlace | None = None


class KnownUnit(msgspec.Struct, frozen=True, rename="camel"):
    """A unit under the name the document prints; `district` is the code of a district government's district."""

    id: UnitId
    name: Name
    kind: Literal["body", "district_government"]
    district: DistrictCode | None = None


class KnownGroup(msgspec.Struct, frozen=True, rename="camel"):
    """A named set of units; an open group's members are not listed in the document."""

    id: UnitId
    name: Name
    closed: bool
    members: tuple[UnitId, ...] = ()


class KnownAlias(msgspec.Struct, frozen=True, rename="camel"):
    """Another string for a unit, with the reason why both name one body."""

    unit: UnitId
    alias: Name
    reason: str


class KnownPlatform(msgspec.Struct, frozen=True, rename="camel"):
    """An information system named by tasks; a task mentions it if its text contains the name or an alias."""

    id: PlatformId
    name: Name
    aliases: tuple[Name, ...] = ()


class Reference(msgspec.Struct, frozen=True, rename="camel"):
    """Everything known before the document is opened."""

    districts: tuple[KnownDistrict, ...] = ()
    units: tuple[KnownUnit, ...] = ()
    groups: tuple[KnownGroup, ...] = ()
    aliases: tuple[KnownAlias, ...] = ()
    platforms: tuple[KnownPlatform, ...] = ()


def load_reference() -> Reference:
    """Read the reference data as shipped; msgspec.ValidationError if a file does not have the shape above."""
    tables: dict[str, Any] = {}
    for name in ("districts", "units", "platforms"):
        tables |= tomllib.loads(files("domain.document").joinpath(f"{name}.toml").read_text("utf-8"))
    return msgspec.convert(tables, Reference)


REFERENCE: Final = load_reference()
