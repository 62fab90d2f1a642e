"""What stands beside a file that holds nothing but rows: CSV on the Web, "Metadata Vocabulary for Tabular Data"."""

from collections.abc import Mapping
from typing import Any, Final

from api.exports.asking import ExportAsked
from api.http.formats import EXPORT_TYPES, ExportForm
from domain.values import instant_text
from projections.as_of import Meta
from projections.exports import Column, ColumnType, columns_of

_DATATYPES: Final[Mapping[ColumnType, Any]] = {
    ColumnType.INTEGER: "integer",
    ColumnType.DECIMAL: "decimal",
    ColumnType.DATE: "date",
    ColumnType.INSTANT: "dateTimeStamp",
    ColumnType.BOOLEAN: "boolean",
    ColumnType.JSON: "json",
}
_PANDAS: Final = {ColumnType.INTEGER: "Int64", ColumnType.BOOLEAN: "boolean"}


def about_file(asked: ExportAsked, meta: Meta) -> dict[str, str]:
    """What a file that can hold it says of itself."""
    return {
        "title": f"{asked.export.title} ({asked.export.name})",
        "description": asked.export.words,
        "licence": meta.license,
        "origin": meta.origin,
        "log": meta.log,
        "position": str(meta.position),
        "root": meta.root,
        "asOf": meta.as_of,
        "effectiveOn": str(meta.effective_on),
        "rules": str(meta.rules),
        "self": meta.self_,
        "name": asked.file_name,
        **({"since": str(asked.since.position)} if asked.since else {}),
    }


def metadata_of(asked: ExportAsked, meta: Meta) -> dict[str, Any]:
    """The metadata of an export; of CSV with its columns. `notes` has what pandas needs to read them as they are."""
    said: dict[str, Any] = {
        "@context": ["http://www.w3.org/ns/csvw", {"@language": "en"}],
        "url": asked.address(),
        "dc:title": {"zh": asked.export.title, "en": asked.export.name},
        "dc:description": asked.export.words,
        "dc:license": {"@id": meta.license},
        "dc:identifier": f"{meta.log}:{meta.position}",
        "dc:format": EXPORT_TYPES[asked.form].partition(";")[0],
        "dc:modified": {"@value": instant_text(asked.moment.as_of), "@type": "xsd:dateTime"},
    }
    notes: dict[str, Any] = {"meta": meta, "fileName": asked.file_name}
    if asked.form is ExportForm.CSV:
        columns = columns_of(asked.export, delta=asked.since is not None)
        chinese = asked.query.headers is not None
        said["dialect"] = {"encoding": "utf-8", "lineTerminators": ["\r\n"], "header": True}
        said["tableSchema"] = {
            "columns": [_column(one, chinese=chinese) for one in columns],
            "primaryKey": list(asked.export.key),
        }
        notes["dtype"] = {one.title if chinese else one.name: _PANDAS.get(one.type, "string") for one in columns}
    return said | {"notes": [notes]}


def _column(column: Column, *, chinese: bool) -> dict[str, Any]:
    name = column.title if chinese else column.name
    told: dict[str, Any] = {"name": column.name, "titles": {"und": name, "zh": column.title}}
    if column.type in _DATATYPES:
        told["datatype"] = _DATATYPES[column.type]
    if column.type is ColumnType.LIST:
        told["separator"] = column.separator
    return told | ({"required": True} if column.required else {})
