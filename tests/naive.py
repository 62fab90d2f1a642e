"""The paragraph "The state at (P, D)" once more, as naively as it reads: filter, sort, fold, nothing else.

And RFC 6962's root once more, word for word.
"""

from collections.abc import Sequence
from datetime import date
from hashlib import sha256
from typing import Any

from domain import directory, plan, report, task
from domain.record import Placed
from domain.undo import FactVoided
from events.recorded import Recorded

EVOLVE: dict[str, Any] = {
    "plan": plan.evolve,
    "task": task.evolve,
    "unit": directory.evolve_unit,
    "district": directory.evolve_district,
    "platform": directory.evolve_platform,
}
TIMELESS = {"unit", "district", "platform"}


def naive_state(stream: str, facts: Sequence[Recorded], position: int, on: date) -> Any:
    """The subject of a stream at (position, on)."""
    kind = stream.split(":", maxsplit=1)[0]
    taken = [fact for fact in facts if fact.position <= position]
    dropped = {undone(fact) for fact in taken}
    live = [fact for fact in taken if fact.position not in dropped and not isinstance(fact.fact, FactVoided)]
    beginning = next((fact.effective_on for fact in live if place(fact, taken) == taken[0].position), None)
    held = [(since(fact, kind, beginning), place(fact, taken), fact) for fact in live]
    state: Any = None
    for _, _, fact in sorted((one for one in held if one[0] <= on), key=lambda one: one[:2]):
        state = (
            report.evolve(state, fact.fact, Placed(fact.position, place(fact, taken), fact.effective_on))  # pyright: ignore[reportArgumentType]
            if kind == "report"
            else EVOLVE[kind](state, fact.fact)
        )
    return state


def undone(fact: Recorded) -> int | None:
    """What a fact voids or replaces."""
    return fact.fact.target if isinstance(fact.fact, FactVoided) else fact.replaces


def place(fact: Recorded, facts: Sequence[Recorded]) -> int:
    """A fact's own position or, if it replaces another, that of its chain's first."""
    while fact.replaces is not None:
        fact = next(one for one in facts if one.position == fact.replaces)
    return fact.position


def since(fact: Recorded, kind: str, beginning: date | None) -> date:
    """The day from which a fact holds; what begins with a timeless subject holds from −infinity."""
    return date.min if kind in TIMELESS and fact.effective_on == beginning else fact.effective_on


def naive_root(entries: Sequence[bytes]) -> bytes:
    """RFC 6962, section 2.1, word for word: split at the largest power of two smaller than the size."""
    if not entries:
        return sha256(b"").digest()
    if len(entries) == 1:
        return sha256(b"\x00" + entries[0]).digest()
    split = 1
    while split * 2 < len(entries):
        split *= 2
    return sha256(b"\x01" + naive_root(entries[:split]) + naive_root(entries[split:])).digest()
