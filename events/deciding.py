"""What the commands of a request make: decided one after the other, each on what the ones before it made."""

import secrets
from collections.abc import Generator, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Final
from uuid import UUID

from domain.commands import AnyCommand
from domain.directory import check_circle, moves_duties
from domain.errors import ReasonMissing, Refused, Stale
from domain.fact import recordable, subject_of
from domain.record import New, Record, command_name
from domain.undo import VoidFact, check_live, check_replaced
from domain.values import checked_date, shanghai_day
from domain.words import check_words
from events.erasable import Sealer
from events.proposal import IdempotencyKey, NewFact, Proposal
from events.recorded import Cause
from events.remembered import Remembered

MAX_FACTS: Final = 10_000  # in one request
MAX_WEIGHT: Final = 5_000_000  # bytes of rows that one request may have written, roughly
SEND: Final = "send the others in requests of their own"
REWRITES: Final = (
    "a fact rewrites what its subject shows on every day from which that is something else, "
    f"and a request may rewrite {MAX_WEIGHT:,} bytes of the record: "
)


class TooManyFacts(Exception):
    """A request asks for more at once than those who wait behind it should wait for: it says how much would do."""


def check_count(commands: Sequence[object]) -> None:
    """TooManyFacts if a request holds more commands than it may record facts; they may be as they came."""
    if len(commands) > MAX_FACTS:
        raise TooManyFacts(f"a request holds at most {MAX_FACTS:,} commands, this one {len(commands):,}: {SEND}")


def decide_all(
    commands: Sequence[AnyCommand], memory: Remembered, actor: str, instant: datetime, request: UUID
) -> Iterator[list[NewFact] | None]:
    """The facts of each command, decided on what the ones before it made; None: first load what is missing.

    A command is decided once more only when something was loaded for it, those before it never.
    """
    made = 0
    memory.voiding = frozenset(one.target for one in commands if isinstance(one, VoidFact))
    for index, command in enumerate(commands):
        _check_words(command, index)
        while (facts := (yield from _decided(command, index, memory, actor, instant, request))) is None:
            yield None
        made += len(facts) if command.BOUNDED else 0
        if not facts:
            memory.unchanged.append(index)
        if made > MAX_FACTS:
            raise TooManyFacts(f"a request records at most {MAX_FACTS:,} facts: {_fitting(index)}")
        for one in facts:
            memory.pretend(one, actor, instant)
            yield []
        if memory.weight > MAX_WEIGHT and index:  # how much it rewrites is never too much for one command alone
            raise TooManyFacts(REWRITES + _fitting(index))
        yield facts


def _decided(  # noqa: PLR0913, PLR0917 - a command, what is known, and what stands in each envelope
    command: AnyCommand, index: int, memory: Remembered, actor: str, instant: datetime, request: UUID
) -> Generator[list[NewFact], None, list[NewFact] | None]:
    """The facts of one command, in steps; None if something was missing, so that it may have to say otherwise."""
    memory.forget_missing()
    facts: list[NewFact] = []
    try:
        for one in decide_one(command, memory, instant, request):
            memory.version(one.stream)  # whatever is written is read
            if moves_duties(one.stream, one.fact):
                after = memory.states_with(one, actor, instant)
                check_circle(subject_of(one.stream)[1], after, memory.states, command)
            facts.append(one)
            yield []
    except Refused as refused:
        if memory.complete:
            refused.index = index
            raise
    return facts if memory.complete else None


def _check_words(command: AnyCommand, index: int) -> None:
    """Its words are the same however often it is decided."""
    try:
        check_words(command)
    except Refused as refused:
        refused.index = index
        raise


def _fitting(index: int) -> str:
    if index == 0:
        return "its first command alone makes more"
    return f"its first {index:,} commands make no more than that. {SEND[0].upper()}{SEND[1:]}"


def decide_one(command: AnyCommand, memory: Remembered, instant: datetime, request: UUID) -> Iterator[NewFact]:
    """The facts of one command, in the envelopes that it gives them."""
    if command.reason is None and command.needs_reason():
        raise ReasonMissing("an edit of the public record says why: give a reason", pointer="/reason")
    today = shanghai_day(instant)
    target = memory.past(command.replaces, "replaces") if command.replaces is not None else None
    if target:
        check_live(target, "replaces")
    _check_version(command, memory)
    on = command.effective_on or (command.kept_date(target, today) if target else command.default_date(today))
    sealer = Sealer(lambda: secrets.token_bytes(16))
    if target:
        memory.leave_out(target)
    record = Record(memory, checked_date(on), today, sealer)
    cause = Cause(command_name(command), request, command.reason, command.authority)
    new: Iterable[New] = islice(command.decide(record), MAX_FACTS + 1 if command.BOUNDED else None)
    if target:
        new = list(new)
        check_replaced(target, new, record)
    for stream, fact in new:
        kept = recordable(fact)
        yield NewFact(stream, kept, on, command.replaces, cause, sealer.behind(kept))


def _check_version(command: AnyCommand, memory: Remembered) -> None:
    if command.expected_version is None:
        return
    stream = memory.past(command.target, "target").stream if isinstance(command, VoidFact) else command.stream
    actual = memory.version(stream)
    if actual != command.expected_version:
        raise Stale(
            f"{stream}: expected version {command.expected_version}, is {actual}: read it again, then decide",
            pointer="/expectedVersion",
        )


def proposed(
    memory: Remembered, actor: str, new: Sequence[NewFact], instant: datetime, idempotency: IdempotencyKey | None
) -> Proposal:
    """What the log is asked to append, on the conditions that the decision rests on."""
    return Proposal(
        actor,
        new,
        memory.read,
        {one.stream: memory.facts[one.stream] for one in new},
        shanghai_day(instant),
        frozenset(memory.names),
        dict.fromkeys(memory.below_of, memory.read_at),
        idempotency,
        memory.ahead,
    )
