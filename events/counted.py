"""What a stream's facts owe each other: they are counted without a gap, and undo what can be undone."""

from collections.abc import Callable, Sequence

from domain.undo import FactVoided, kind_of
from events.recorded import Recorded

Tell = Callable[[str], None]  # told each difference in words; what it raises ends the search


def compare_stream(facts: Sequence[Recorded], found: Tell) -> None:
    """A stream counts its facts without a gap, and undoes only what is its own, live, and of the kind."""
    past: dict[int, Recorded] = {}
    undone: dict[int, int] = {}
    for number, one in enumerate(facts, 1):
        if one.version != number:
            found(f"position {one.position}: it is version {one.version} of {one.stream}, where {number} should stand")
        if one.undoes is not None:
            if why := not_to_be_undone(one, past.get(one.undoes), undone.get(one.undoes)):
                found(f"position {one.position} undoes position {one.undoes}, {why}")
            undone.setdefault(one.undoes, one.position)
        past[one.position] = one


def not_to_be_undone(one: Recorded, target: Recorded | None, undone_by: int | None) -> str | None:
    """Why a fact could not undo another of its stream, in words; None where it could. `undone_by` did so before."""
    if target is None:
        return f"which is no earlier fact of {one.stream}"
    if undone_by is not None:
        return f"which position {undone_by} had undone before"
    if target.fact.STANDS:
        return "which stands for good"
    if not isinstance(one.fact, FactVoided) and kind_of(one.fact) != kind_of(target.fact):
        return f"a {kind_of(target.fact)}, by a {kind_of(one.fact)}"
    return None
