"""Voiding and replacing: correcting and retracting anything works this one way."""

from collections.abc import Iterator, Sequence

from domain.errors import CannotUndo, StillReferredTo
from domain.fact import Fact, tag
from domain.record import Command, New, Past, Record
from domain.values import Position


class FactVoided(Fact, frozen=True, tag="fact.voided.v1"):
    """The fact at `target`, in the same stream, is void whatever this fact's own date."""

    target: Position


class VoidFact(Command, frozen=True, kw_only=True, tag="fact.void"):
    """Void a live fact. What it had replaced does not come back: record it anew."""

    target: Position

    def decide(self, record: Record) -> Iterator[New]:
        """fact.voided, if the target is live and, being its subject's first fact, nothing names the subject."""
        past = record.log.past(self.target, "target")
        check_live(past, "target")
        if past.founds() and record.log.referred(past.stream):
            raise StillReferredTo(
                f"position {self.target} is the fact that {past.stream} stands on, and other facts name it",
                pointer="/target",
            )
        yield past.stream, FactVoided(self.target)


def kind_of(fact: Fact) -> str:
    """A fact's tag without its version."""
    return tag(fact).rpartition(".")[0]


def check_live(past: Past, field: str) -> None:
    """Refuse what is void or replaced already, and what can never be undone."""
    if past.undone_by is not None:
        raise CannotUndo(
            f"position {past.position} was undone by position {past.undone_by}: name that one, or record anew",
            pointer=f"/{field}",
        )
    if isinstance(past.fact, FactVoided):
        raise CannotUndo(f"position {past.position} is a {kind_of(past.fact)}: it stands for good", pointer=f"/{field}")


def check_replaced(past: Past, new: Sequence[New]) -> None:
    """Refuse a replacement that is not one fact of the target's stream and kind."""
    check_live(past, "replaces")
    if len(new) != 1 or new[0][0] != past.stream or kind_of(new[0][1]) != kind_of(past.fact):
        made = ", ".join(f"{kind_of(fact)} in {stream}" for stream, fact in new) or "nothing"
        raise CannotUndo(
            f"position {past.position} is a {kind_of(past.fact)} in {past.stream}; this command makes {made}",
            pointer="/replaces",
        )
