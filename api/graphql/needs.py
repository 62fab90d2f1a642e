"""What the nodes at the other end of an edge are made of: rows of the plans where a query begins, or of all plans."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from projections.table import SliceTable
from projections.views.names import PLAN_VERSIONS, PLANS
from projections.views.subjects import TABLES
from projections.wanted import Deferred, Wanted, wanted

Needs = frozenset[Wanted]
NO_NEEDS: Final[Needs] = frozenset()
Plans = frozenset[str] | None  # by their ids; None: they are not known before something is read


def _unknown(*_: Any) -> list[str]:
    raise AssertionError("the plans are named before anything is read")


_PLANS: Final = Deferred(_unknown, ())
# Whose rows lie in a plan, and by which column that is known.
_COLUMNS: Final[Mapping[str, str]] = {table.name: "plan" for table in TABLES if "plan" in table.table.columns} | {
    PLANS.name: "key",
    PLAN_VERSIONS.name: "key",
}


def all_of(*tables: SliceTable) -> Needs:
    """All rows of these tables."""
    return frozenset(map(wanted, tables))


def of_plans(*tables: SliceTable) -> Needs:
    """The rows of these tables that lie in the plans where a query begins, and all of those that lie in none."""
    return frozenset(
        wanted(one, **{_COLUMNS[one.name]: _PLANS}) if one.name in _COLUMNS else wanted(one) for one in tables
    )


def everywhere(needs: Needs) -> Needs:
    """The same, in whatever plan."""
    return all_of(*(one.table for one in needs))


def needed(each: Iterable[tuple[Needs, Plans]]) -> list[Wanted]:
    """What several roots need, each of the plans in which it begins: what one wants all of is read once, whole.

    By table: the same needs make the same statement.
    """
    parts = [(everywhere(needs) if plans is None else needs, plans or frozenset()) for needs, plans in each]
    needs = NO_NEEDS.union(*(own for own, _ in parts))
    plans = sorted(frozenset[str]().union(*(own for _, own in parts)))
    whole = {one.table.name for one in needs if not one.waits}
    chosen = (one for one in needs if not (one.waits and one.table.name in whole))
    return [
        one._replace(values=tuple((column, plans) for column, _ in one.values)) if one.waits else one
        for one in sorted(chosen, key=lambda one: one.table.name)
    ]
