"""What other views join by id at their own moment: units and groups with their names, plans with their documents."""

from collections.abc import Iterable
from datetime import date

import msgspec

from domain.directory import Unit
from domain.plan import Plan
from projections.as_of import Rows
from projections.table import TEXT, Row, slice_table


class UnitRow(Unit, frozen=True, kw_only=True):
    """A unit at one moment, as the table keeps it."""

    id: str
    version: int


class PlanRow(msgspec.Struct, frozen=True):
    """A plan at one moment, as the table keeps it; parts and measures have tables of their own."""

    id: str
    title: str
    issuer: str
    document_number: str | None
    issued_on: date
    preamble: str
    document: str
    version: int


class Named(msgspec.Struct, frozen=True):
    """An id with the name it has at this moment."""

    id: str
    name: str


def _unit_rows(key: str, unit: Unit, version: int) -> Iterable[Row]:
    row = UnitRow(**msgspec.structs.asdict(unit), id=key, version=version)
    yield Row(key, (unit.kind.value, unit.district), msgspec.json.encode(row))


def _plan_rows(key: str, plan: Plan, version: int) -> Iterable[Row]:
    row = PlanRow(
        key, plan.title, plan.issuer, plan.document_number, plan.issued_on, plan.preamble, plan.document, version
    )
    yield Row(key, (), msgspec.json.encode(row))


UNITS = slice_table("units", "unit", UnitRow, _unit_rows, {"kind": TEXT, "district": TEXT})
PLANS = slice_table("plans", "plan", PlanRow, _plan_rows, {})


class Directory:
    """All units at one moment."""

    def __init__(self, rows: Rows) -> None:
        self.units = {one.id: one for one in rows.of(UNITS, UnitRow)}

    def __call__(self, key: str) -> UnitRow | None:
        """The unit, or None."""
        return self.units.get(key)

    def named(self, key: str) -> Named:
        """The unit with its name at this moment."""
        unit = self.units.get(key)
        return Named(key, unit.name if unit else key)
