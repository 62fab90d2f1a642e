"""`/datapackage.json`: where the tables of a moment are, or those of one plan, and what each of their columns holds."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final

import msgspec
from litestar import get
from msgspec import Meta

from api.catalogue.contents import OF_A_PLAN, Pinned
from api.catalogue.descriptor import (
    Constraints,
    Contributor,
    DataPackage,
    Dialect,
    LicenseNamed,
    Referred,
    Referring,
    SourceNamed,
    TableField,
    TableResource,
    TableSchema,
)
from api.http.answers import Answer, etag_of, made
from api.http.asking import Clocks, asked, clocks
from api.http.documented import answers, operation
from api.http.formats import ExportForm
from api.http.question import Ask
from api.services.phrases import Lang
from api.services.told import PlainVoice
from domain.values import instant_text
from projections.exports import EXPORTS, Column, ColumnType, Export
from projections.views.names import PLANS, PlanRow
from projections.views.subjects import PLAN
from projections.wanted import wanted

_TYPES: Final[Mapping[ColumnType, str]] = {
    ColumnType.TEXT: "string",
    ColumnType.INTEGER: "integer",
    ColumnType.DECIMAL: "number",
    ColumnType.DATE: "date",
    ColumnType.INSTANT: "datetime",
    ColumnType.BOOLEAN: "boolean",
    ColumnType.LIST: "list",
}
_JSON: Final = {"evidence": "array", "data": "object", "disclosures": "array"}  # what JSON each such column holds
# What holds whatever the moment: units and districts hold from −infinity, and tasks from their plan's own day.
_REFERRING: Final[Mapping[str, Mapping[str, tuple[str, str]]]] = {
    "assignments": {"task": ("tasks", "id"), "assignee.id": ("units", "id")},
    "targets": {"task": ("tasks", "id")},
    "memberships": {"group.id": ("units", "id"), "member.id": ("units", "id")},
    "reports": {"task": ("tasks", "id"), "unit.id": ("units", "id")},
    "units": {"district": ("districts", "code")},
}
_VOICE: Final = PlainVoice(Lang.ZH)


class PackageQuery(Clocks, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Of what the package is."""

    plan: Annotated[
        str | None, Meta(description="The tables of this plan alone.", examples=["shanghai-credit-2023"])
    ] = None


@get("/datapackage.json", operation_class=operation(PackageQuery), responses=answers(DataPackage), tags=["catalog"])
async def data_package(request: Ask) -> Answer:
    """All tables, or those of one plan, as a Data Package: where their CSV is, and what each column holds."""
    given = asked(request.question.parameters, PackageQuery)
    reader, key = request.reader, given.plan
    moment, rows = await reader.rows(clocks(given), (wanted(PLANS, key=key or ""),))
    plan = next(iter(rows.of(PLANS, PlanRow)), None)
    if key is not None and plan is None:
        raise await reader.absent(PLAN, key, moment)
    at = Pinned(reader, request.app.state.base, moment)
    body = msgspec.json.format(msgspec.json.encode(_package(at, plan, request.app.state.publisher)), indent=1)
    answer = made(request, body, moment, explicit_day=given.effective_on is not None)
    answer.headers["ETag"] = etag_of(body)  # they hold settings of the server
    return answer


def _package(at: Pinned, plan: PlanRow | None, publisher: str) -> DataPackage:
    moment, key = at.moment, plan.id if plan else None
    exports = OF_A_PLAN if plan else tuple(EXPORTS.values())
    named = {one.name for one in exports}
    return DataPackage(
        id=f"urn:planrecord:{moment.log}:{f'plan:{key}' if key else 'catalog'}",
        name=f"planrecord-{moment.log[:8]}-{key or 'all'}",
        title=plan.title if plan else _VOICE.t("site.name"),
        description=_VOICE.t("catalogue.package", position=moment.position, day=_VOICE.day(moment.effective_on)),
        homepage=at.page(f"/plans/{key}" if key else "/"),
        version=str(moment.position),
        created=instant_text(moment.as_of),
        licenses=(LicenseNamed(at.reader.license),),
        contributors=(Contributor(publisher),),
        sources=tuple(_sources(at, plan)),
        resources=tuple(_resource(at, one, key, named) for one in exports),
    )


def _sources(at: Pinned, plan: PlanRow | None) -> Iterator[SourceNamed]:
    """The document of one plan, and always the log."""
    if plan:
        number = f" ({plan.document_number})" if plan.document_number else ""
        path = at.whole(f"/v1/plans/{plan.id}")
        yield SourceNamed(f"{plan.issuer}: {plan.title}{number}", f"sha256:{plan.document}", path)
    log = at.moment.log
    yield SourceNamed(f"{at.moment.origin}/{log}", f"sha256:{at.moment.root}", at.whole("/v1/events"))


def _resource(at: Pinned, export: Export, plan: str | None, named: set[str]) -> TableResource:
    return TableResource(
        name=export.name,
        path=at.export(export, ExportForm.CSV, plan),
        title=export.title,
        description=export.words,
        dialect=Dialect(),
        schema=TableSchema(
            fields=tuple(map(_field, export.columns)),
            primary_key=export.key,
            foreign_keys=tuple(_referring(export, named)),
        ),
    )


def _referring(export: Export, named: set[str]) -> Iterator[Referring]:
    for column, (table, of) in _REFERRING.get(export.name, {}).items():
        if table in named:
            yield Referring((column,), Referred(table, (of,)))


def _field(column: Column) -> TableField:
    own: dict[str, Any] = {}
    match column.type:
        case ColumnType.LIST:
            own = {"delimiter": column.separator, "item_type": "string"}
        case ColumnType.BOOLEAN:
            own = {"true_values": ("true",), "false_values": ("false",)}
        case _:
            pass
    if column.required:
        own["constraints"] = Constraints()
    type_ = _JSON[column.name] if column.type is ColumnType.JSON else _TYPES[column.type]
    return TableField(name=column.name, type=type_, title=column.title, **own)
