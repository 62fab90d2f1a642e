"""Data Package 2.0 and Table Schema 2.0, as far as tables in CSV need them: https://datapackage.org/standard/."""

from typing import Final, Literal

import msgspec
from msgspec import UNSET, UnsetType

_PROFILES: Final = "https://datapackage.org/profiles/2.0"


class Constraints(msgspec.Struct, frozen=True):
    """What every cell of a column keeps."""

    required: bool = True


class TableField(msgspec.Struct, frozen=True, rename="camel", kw_only=True, omit_defaults=True):
    """A column of a table (Table Schema 2.0); `delimiter` stands between what a list's cell holds."""

    name: str
    type: str
    title: str
    constraints: Constraints | UnsetType = UNSET
    delimiter: str | UnsetType = UNSET
    item_type: str | UnsetType = UNSET
    true_values: tuple[str, ...] | UnsetType = UNSET
    false_values: tuple[str, ...] | UnsetType = UNSET


class Referred(msgspec.Struct, frozen=True):
    """The columns that name a row of another table."""

    resource: str
    fields: tuple[str, ...]


class Referring(msgspec.Struct, frozen=True):
    """The columns whose values name a row elsewhere."""

    fields: tuple[str, ...]
    reference: Referred


class TableSchema(msgspec.Struct, frozen=True, rename={"schema": "$schema"}, kw_only=True):
    """A table's columns, what names one of its rows, and what these name elsewhere."""

    schema: str = f"{_PROFILES}/tableschema.json"
    fields: tuple[TableField, ...]
    primary_key: tuple[str, ...] = msgspec.field(name="primaryKey")
    foreign_keys: tuple[Referring, ...] = msgspec.field(name="foreignKeys")


class Dialect(msgspec.Struct, frozen=True, rename="camel"):
    """CSV as RFC 4180 has it."""

    header: bool = True
    delimiter: str = ","
    line_terminator: str = "\r\n"
    quote_char: str = '"'
    double_quote: bool = True


class TableResource(msgspec.Struct, frozen=True, kw_only=True):
    """One table as a file; its address is pinned."""

    name: str
    path: str
    title: str
    description: str
    schema: TableSchema
    type: Literal["table"] = "table"
    format: Literal["csv"] = "csv"
    mediatype: str = "text/csv"
    encoding: str = "utf-8"
    dialect: Dialect


class LicenseNamed(msgspec.Struct, frozen=True):
    """The data's licence."""

    path: str


class SourceNamed(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the data was made from: a plan's document, by its digest, or the log, by its root."""

    title: str
    version: str
    path: str


class Contributor(msgspec.Struct, frozen=True):
    """Who publishes the data."""

    title: str
    roles: tuple[str, ...] = ("publisher",)


class DataPackage(msgspec.Struct, frozen=True, kw_only=True, rename={"schema": "$schema"}):
    """All tables of a moment; `version` is the position that they were read at."""

    schema: str = f"{_PROFILES}/datapackage.json"
    id: str
    name: str
    title: str
    description: str
    homepage: str
    version: str
    created: str
    licenses: tuple[LicenseNamed, ...]
    contributors: tuple[Contributor, ...]
    sources: tuple[SourceNamed, ...]
    resources: tuple[TableResource, ...]
