"""What is asked of an export, and the names that follow from it: of its file, for people, and of what is kept."""

from hashlib import blake2b
from typing import Annotated, Any, Final, Literal, NamedTuple
from urllib.parse import urlencode

from msgspec import Meta

from api.http.asking import Clocks, asked, clocks
from api.http.formats import SIDECAR, ExportForm, export_path
from api.http.question import Ask
from api.http.release import FORMATS
from api.services.problems import Fault, Trouble, unknown_address
from projections.as_of import AsOf, Moment
from projections.exports import EXPORTS, Export
from projections.views.subjects import PLAN

VERSION: Final = 1  # raised when the bytes of any form change, which retires the files that are kept
DESCRIBED: Final = (ExportForm.CSV, ExportForm.NDJSON)  # which hold nothing but rows
_HEADED: Final = frozenset({ExportForm.CSV, ExportForm.XLSX})


class ExportQuery(Clocks, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Which export."""

    plan: Annotated[
        str | None, Meta(description="Of this plan alone. Default: of all plans.", examples=["shanghai-credit-2023"])
    ] = None
    since: Annotated[
        Annotated[int, Meta(ge=1, lt=2**53)] | None,
        Meta(
            description="What has changed since this position, both read at one effectiveOn: a column `change` says "
            "put, or gone, which has but its key.",
            examples=[353],
        ),
    ] = None
    headers: Annotated[
        Literal["zh"] | None, Meta(description="zh: a table's headings in Chinese. Of CSV and XLSX.", examples=["zh"])
    ] = None
    excel: Annotated[
        bool,
        Meta(
            description="Of CSV: with a byte order mark, and an apostrophe before what a spreadsheet would take for a "
            "formula. Otherwise CSV is exactly what the record says.",
            examples=[True],
        ),
    ] = False


class ExportAsked(NamedTuple):
    """An export at a moment, in a form; `since`: the earlier moment behind which it tells what has changed."""

    export: Export
    form: ExportForm
    query: ExportQuery
    moment: Moment
    since: Moment | None

    @property
    def file_name(self) -> str:
        """What the file is called where it is taken: by what it holds, and when."""
        name, moment, query = self.export.name, self.moment, self.query
        since = f"_since{self.since.position}" if self.since else ""
        also = "_zh" * (query.headers is not None) + "_excel" * query.excel
        whole = f"planrecord_{moment.log[:8]}_{query.plan or 'all'}_{name}{since}_p{moment.position}"
        return f"{whole}_{moment.effective_on}{also}.{self.form}"

    def kept_as(self, license_: str, erasure_epoch: int, most: int) -> str:
        """The name under which it is kept: all that makes its bytes. `most`: how many it may have."""
        query, since = self.query, self.since
        parts: tuple[Any, ...] = (
            VERSION,
            FORMATS,
            self.moment.log,
            self.moment.root,
            self.moment.position,
            self.moment.effective_on,
            since and since.position,
            license_,
            most,
            self.export.name,
            query.plan,
            query.headers,
            query.excel,
        )
        return f"{erasure_epoch}.{blake2b(repr(parts).encode(), digest_size=16).hexdigest()}.{self.form}"

    def address(self, behind: str = "") -> str:
        """The path and the query that always mean this very file, or what lies `behind` its suffix."""
        return f"{export_path(self.export.name, self.form)}{behind}?{urlencode(self.pinned)}"

    @property
    def pinned(self) -> dict[str, str]:
        """The query of that."""
        query = self.query
        given = {
            "plan": query.plan,
            "since": self.since and str(self.since.position),
            "headers": query.headers,
            "excel": "true" if query.excel else None,
        }
        moment = {"position": str(self.moment.position), "effectiveOn": str(self.moment.effective_on)}
        return {name: value for name, value in given.items() if value is not None} | moment


def split_name(name: str) -> tuple[str, ExportForm | None]:
    """An export's name, and the form of the one that a sidecar describes where that is asked for."""
    for form in DESCRIBED:
        if name.endswith(f".{form}{SIDECAR}"):
            return name.removesuffix(f".{form}{SIDECAR}"), form
    return name, None


async def export_asked(request: Ask, name: str, form: ExportForm) -> ExportAsked:
    """What is asked for; Trouble where there is no such export, plan or position, or the form does not go with it."""
    export = EXPORTS.get(name)
    if export is None:
        raise unknown_address(f"there is no such export; there are {', '.join(EXPORTS)}")
    query = asked(request.question.parameters, ExportQuery)
    _check(export, form, query)
    reader = request.reader
    moment = await reader.moment(clocks(query))
    if query.plan is not None:
        rows = await reader.read(moment, PLAN.one(query.plan))
        if not rows.any(PLAN.table):
            raise await reader.absent(PLAN, query.plan, moment)
    since = None
    if query.since is not None:
        if query.since > moment.position:
            detail = f"since {query.since} lies behind position {moment.position}, up to which it is told"
            raise Trouble(400, "bad_parameter", detail, [Fault("since", detail)])
        since = await reader.moment(AsOf(position=query.since, effective_on=moment.effective_on))
    return ExportAsked(export, form, query, moment, since)


def _check(export: Export, form: ExportForm, query: ExportQuery) -> None:
    faults: list[Fault] = []
    if query.plan is not None and not export.takes_plan:
        faults.append(Fault("plan", f"{export.name} belong to no plan: leave it out"))
    if query.headers and form not in _HEADED:
        faults.append(Fault("headers", "headings are a table's: ask with .csv or .xlsx"))
    if query.excel and form is not ExportForm.CSV:
        faults.append(Fault("excel", "this is for CSV that a spreadsheet opens: ask with .csv"))
    if faults:
        raise Trouble(400, "bad_parameter", faults[0].detail, faults)
