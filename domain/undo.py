"""Voiding and replacing: correcting and retracting anything works this one way."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import ClassVar, Final

from domain.errors import CannotUndo, StillReferredTo, Unknown
from domain.fact import Fact, Ground, subject_of, tag
from domain.record import Command, New, Past, Record, State, StateSpan
from domain.values import PlanId, Position

_NAMED: Final = 10  # positions that a refusal names


class FactVoided(Fact, frozen=True, tag="fact.voided.v1"):
    """The fact at `target`, in the same stream, is void whatever this fact's own date."""

    STANDS: ClassVar[bool] = True

    target: Position


class VoidFact(Command, frozen=True, kw_only=True, tag="fact.void"):
    """Void a live fact. What it had replaced does not come back: record it anew."""

    target: Position

    def decide(self, record: Record) -> Iterator[New]:
        """fact.voided, if the target is live and nothing would stand in the air without it."""
        past = record.log.past(self.target, "target")
        check_live(past, "target")
        if past.founds():
            _check_alone(past, record)
        check_stood_on(past, None, record, "target")
        yield past.stream, FactVoided(self.target)


class RetractPlan(Command, frozen=True, kw_only=True, tag="plan.retract"):
    """Void every live fact of a plan, of its tasks and of all units' reports on them. The directory stays.

    A plan that is imported into the id later takes the same streams: their histories show both lives.
    """

    BOUNDED: ClassVar[bool] = False

    plan: PlanId

    @property
    def stream(self) -> str:
        """The plan's stream."""
        return f"plan:{self.plan}"

    def decide(self, record: Record) -> Iterator[New]:
        """fact.voided for each of them, in the plan's stream, then task by task with its reports."""
        if not record.log.live(self.stream):
            raise Unknown(f"there is no plan {self.plan}", pointer="/plan")
        for task in (self.stream, *self._below(record, self.stream, "task")):
            for stream in (task, *self._below(record, task, "report")):
                yield from ((stream, FactVoided(position)) for position in record.log.live(stream))

    @staticmethod
    def _below(record: Record, stream: str, kind: str) -> list[str]:
        return [one for one in record.log.below(stream) if subject_of(one)[0] == kind]


def _check_alone(past: Past, record: Record) -> None:
    """Refuse to void what a subject stands on while live facts name the subject, or stand in its stream."""
    if record.log.referred(past.stream):
        raise StillReferredTo(
            f"position {past.position} is the fact that {past.stream} stands on, and other facts name it",
            pointer="/target",
        )
    if others := past.others():
        named = ", ".join(map(str, others[:_NAMED])) + (f" and {len(others) - _NAMED} more" * (len(others) > _NAMED))
        raise StillReferredTo(
            f"position {past.position} is the fact that {past.stream} stands on, as its others do: void them in the "
            f"same list, at {named}",
            pointer="/target",
        )


def check_stood_on(past: Past, new: Fact | None, record: Record, field: str) -> None:
    """Refuse to void a part, measure or target, or to give it another number, while others stand on it on any day."""
    gone = past.fact.gives()
    if gone is None or (new is not None and new.gives() == gone):
        return
    for stream in (past.stream, *record.log.below(past.stream)):
        for day in _days(past, gone, record.log.states(stream)):
            kind, number = gone
            raise StillReferredTo(
                f"{kind} {number} of {subject_of(past.stream)[1]} is what {stream} stands on from {day}: move that "
                f"first, or give {kind} {number} other words",
                pointer=f"/{field}",
            )


def _days(past: Past, gone: Ground, spans: Iterable[StateSpan]) -> Iterator[date]:
    """The days from which a subject would stand on what is not there any more without a fact."""
    for since, until, state in spans:
        day = max(since, past.effective_on)
        if day < until and gone in state.stands_on() and not _there(past.without(day), gone):
            yield day


def _there(state: State | None, gone: Ground) -> bool:
    return state is not None and gone in state.has()


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
    if past.fact.STANDS:
        raise CannotUndo(f"position {past.position} is a {kind_of(past.fact)}: it stands for good", pointer=f"/{field}")


def check_replaced(past: Past, new: Sequence[New], record: Record) -> None:
    """Refuse a replacement that is not one fact of its target's stream and kind, or takes what others stand on."""
    check_live(past, "replaces")
    if len(new) != 1 or new[0][0] != past.stream or kind_of(new[0][1]) != kind_of(past.fact):
        made = ", ".join(f"{kind_of(fact)} in {stream}" for stream, fact in new) or "nothing"
        raise CannotUndo(
            f"position {past.position} is a {kind_of(past.fact)} in {past.stream}; this command makes {made}",
            pointer="/replaces",
        )
    check_stood_on(past, new[0][1], record, "replaces")
