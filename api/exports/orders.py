"""What is ordered of the process that makes exports, and what it answers: a line of JSON each."""

from collections.abc import Mapping

import msgspec

from api.http.formats import ExportForm
from projections.as_of import Moment


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """A file to be made at `path`: an export by its name, at a moment, in a form.

    `since`: what has changed after that earlier moment, at the same day. `chinese`: a table's headings; `excel`: a CSV
    for a spreadsheet. `about` is what a file that can hold more than rows says of itself, `most` the bytes that it may
    have. `plans`: it is a part, the rows of these plans and nothing before or behind them.
    """

    dsn: str
    path: str
    most: int
    export: str
    form: ExportForm
    plan: str | None
    moment: Moment
    since: Moment | None
    chinese: bool
    excel: bool
    about: Mapping[str, str]
    meta: msgspec.Raw
    plans: tuple[str, ...] = ()


class Filed(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """An export that lies in a file: its bytes, their SHA-256 in hex, and how many items it holds."""

    size: int
    sha256: str
    items: int


class Declined(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """An export that cannot be made: a problem's `code`, and why."""

    code: str
    detail: str


class NotMade(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What went wrong in making it; `away`: the database did, and may be back."""

    detail: str
    away: bool


class Delivered(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """It lies at the path that was ordered."""

    filed: Filed


OrderOutcome = Delivered | Declined | NotMade
