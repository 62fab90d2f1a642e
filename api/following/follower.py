"""Following a log: what is new of it, proved to go on from what was kept, and taken over in one transaction."""

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from api.auditing.hashed import ServedTree
from api.auditing.verdicts import CannotLook, Contradicted
from api.auditing.verified import Advance
from api.following.copy import FollowedCopy, FollowState, HoldsNothing
from api.following.feed import FACTS_OF_A_PAGE, FactsPage, HeadMeta, LogFeed, NotSigning, OtherHistory
from api.following.folding import Refolding
from api.following.part import FollowedPart
from api.following.signed import SignedLog, Warn
from api.following.taken import TakenBatch
from domain.values import SHANGHAI
from events import merkle
from events.checkpoint import Checkpoint
from events.note import VerifierKey
from projections.fold import RULES_VERSION

SPAN: Final = 20_000  # positions that one transaction takes over at most


class Caught(NamedTuple):
    """What one step brought: facts, and rows that changed; where the copy is by then, and where the log was."""

    facts: int
    rows: int
    position: int
    head: int


class FollowOrder(NamedTuple):
    """What a user asks for: into which file, which part, by which key; `moved`: the log has a new address."""

    into: Path
    part: FollowedPart
    key: VerifierKey | None = None
    moved: bool = False


class Follower:
    """Follows one server into one file. `say` is told what a user should know, each thing once."""

    def __init__(self, feed: LogFeed, order: FollowOrder, say: Warn) -> None:
        self._feed, self._order, self._say = feed, order, say
        self._told: set[str] = set()
        self._signed: SignedLog | None = None
        self.advance: Advance = lambda _: None
        self.copy = self._opened()

    def close(self) -> None:
        """Let others follow."""
        if self.copy:
            self.copy.close()

    @property
    def position(self) -> int:
        """How far the copy has come."""
        return self.copy.state.position if self.copy else 0

    def ahead(self) -> int:
        """How many facts the log has more; 0 where that is not known yet."""
        try:
            return max(self._feed.head().position - self.position, 0)
        except CannotLook:
            return 0  # what is wrong the first step finds out

    def _opened(self) -> FollowedCopy | None:
        """The file as it is, if it was begun; CannotLook where it is not what is asked for."""
        into = self._order.into
        if not into.exists() or (into.is_file() and not into.stat().st_size):
            return None
        try:
            copy = FollowedCopy(into)
        except HoldsNothing:
            return None
        try:
            self._check_order(copy.state)
        except CannotLook:
            copy.close()
            raise
        return copy

    def _check_order(self, kept: FollowState) -> None:
        """CannotLook where the file follows something else."""
        into, part, key, moved = self._order
        if kept.filters != part.filters:
            said = FollowedPart(kept.filters).said
            raise CannotLook(f"{into} follows {said}, and you ask for {part.said}: name another file")
        if kept.url != self._feed.name and not moved:
            raise CannotLook(
                f"{into} follows {kept.url}, and you say {self._feed.name}: name another file or, if the same log is "
                "there now, say --moved"
            )
        if key and kept.key not in {None, str(key)}:
            raise CannotLook(f"{into} trusts the key {kept.key}, and you give another: if it is right, begin anew")

    def step(self, wait: int) -> Caught:
        """What there is by now, or comes within so many seconds; CannotLook, Contradicted with the notes."""
        kept = self.copy.state if self.copy else None
        asked: dict[str, int | str] = {"after": self.position, "limit": FACTS_OF_A_PAGE}
        asked["expect"] = kept.root if kept else merkle.EMPTY.hex()
        if wait:
            asked["waitSeconds"] = wait
        try:
            page = self._feed.page(self._order.part.filters, **asked)
        except OtherHistory as error:
            raise self._other(str(error)) from error
        if kept and page.meta.log != kept.log:
            raise self._other("another log is served there")
        if page.meta.rules != RULES_VERSION:
            raise CannotLook(
                f"{self._feed.name} answers by the rules {page.meta.rules}, and this release knows the rules "
                f"{RULES_VERSION}: bring planrecord up to date, and follow on"
            )
        self.copy = self.copy or self._begun(page.meta)
        try:
            return self._brought(self.copy, page, patient=not wait)
        except Contradicted as error:
            raise self._kept(self.copy, error) from error
        except BaseException:
            self.copy.forget()
            raise

    def _begun(self, meta: HeadMeta) -> FollowedCopy:
        """A new file, for the log that answers."""
        filters = dict(self._order.part.filters)
        new = FollowState(log=meta.log, origin=meta.origin, url=self._feed.name, filters=filters, rules=RULES_VERSION)
        return FollowedCopy(self._order.into, new)

    def _brought(self, copy: FollowedCopy, page: FactsPage, *, patient: bool) -> Caught:
        """Take over what is new, up to the newest note or a span of it."""
        self._signed = self._signed or SignedLog(self._feed, copy, self._order.key, self._once)
        target = self._signed.target(page.meta, patient=patient)
        state, today = copy.state, page.meta.effective_on
        if not state.origin.endswith("/demo") and abs(today - datetime.now(SHANGHAI).date()) > timedelta(days=1):
            self._once(f"WARNING: by the record's clock it is {today} in Shanghai: so the tables show that day")
        position = max(min(target.size, state.position + SPAN), state.position)
        new = msgspec.structs.replace(state, url=self._feed.name)
        batch, rows = TakenBatch(copy, self._order.part, state.position, position), 0
        if position > state.position:
            as_of = self._take(copy, batch, page if page.meta.position == position else None)
            root = self._proved(copy, self._signed, batch, target)
            new = msgspec.structs.replace(new, position=position, root=root, frontier=batch.frontier, as_of=as_of)
        if position > state.position or state.effective_on != today.isoformat() or state.rules != RULES_VERSION:
            rows = self._refolded(copy, batch, today)
            new = msgspec.structs.replace(new, effective_on=today.isoformat(), rules=RULES_VERSION)
        copy.save(new)
        copy.commit()
        return Caught(batch.count, rows, position, page.meta.position)

    def _refolded(self, copy: FollowedCopy, batch: TakenBatch, today: date) -> int:
        """Bring the tables to the batch's position and today; how many rows changed."""
        before, refolding = copy.state, Refolding(copy, self._order.part, batch.position, today)
        if before.rules != RULES_VERSION:
            refolding.all()
        else:
            day = date.fromisoformat(before.effective_on) if before.effective_on else None
            refolding.run(batch.streams, {name for name, _ in batch.named}, day)
        return refolding.changed

    def _take(self, copy: FollowedCopy, batch: TakenBatch, first: FactsPage | None) -> str:
        """Write the facts of every feed; when the last fact of the log of this size was recorded."""
        as_of = ""
        for number, filters in enumerate(self._order.part.feeds):
            at, pages = batch.after, self._feed.pages(filters, batch.after, batch.position)
            if first and not number and first.next is None:
                pages = iter([first])
            for page in pages:
                _check_moment(copy.state.log, batch.position, page.meta)
                batch.add(page.items, beside=number > 0)
                as_of = page.meta.as_of
                if not number:
                    last = page.items[-1]["position"] if page.items and page.next else batch.position
                    self.advance(last - at)
                    at = last
        batch.settle()
        return as_of

    def _proved(self, copy: FollowedCopy, signed: SignedLog, batch: TakenBatch, target: Checkpoint) -> str:
        """The root of the log at the batch's size: of its facts, or told and proved; it is part of the target."""
        state, told = copy.state, batch.root()
        here = target._replace(size=batch.position)
        if told is not None:
            here = here._replace(root=told)
        elif batch.position < target.size:
            here = here._replace(root=bytes.fromhex(self._feed.at(batch.position).meta.root))
        if batch.position == target.size and here.root != target.root:
            raise Contradicted(
                f"the {batch.position} facts that are shown have the root {here.root.hex()}, and the log's is "
                f"{target.root.hex()}",
                notes=signed.notes,
            )
        signed.goes_on(here, target, signed.notes)
        if told is None:
            before = target._replace(size=state.position, root=bytes.fromhex(state.root))
            signed.goes_on(before, here, signed.notes)
            batch.prove(ServedTree(batch.position, lambda place: self._feed.tile(state.log, place)), here.root)
        return here.root.hex()

    def _other(self, why: str) -> Contradicted:
        """What to say of a server that does not go on from what was kept, with both identities and both notes."""
        shown, notes = "", list[bytes]()
        try:
            served = self._feed.head()
            shown = f"{served.position} facts of {served.name}, root {served.root}"
            notes.append(self._feed.note(served.log))
        except (CannotLook, NotSigning) as error:
            shown = shown or f"nothing ({error})"
        if self.copy is None:
            return Contradicted(why, notes=notes)
        kept = self.copy.state
        sentence = (
            f"{self._feed.name} does not go on from what {self.copy.path} holds: {why}\n"
            f"kept: {kept.position} facts of {kept.origin}/{kept.log}, root {kept.root}\n"
            f"served: {shown}"
        )
        return self._kept(self.copy, Contradicted(sentence, notes=notes))

    @staticmethod
    def _kept(copy: FollowedCopy, error: Contradicted) -> Contradicted:
        """The same, kept beside what was kept before, with the note that was kept first."""
        copy.forget()
        note = (copy.state.note or "").encode()
        error.notes = (*([note] if note else []), *(one for one in error.notes if one != note))
        copy.convict(str(error), error.notes)
        error.kept_in = copy.path
        return error

    def _once(self, sentence: str) -> None:
        if sentence not in self._told:
            self._told.add(sentence)
            self._say(sentence)


def _check_moment(log: str, position: int, meta: HeadMeta) -> None:
    """Every page is of the log and of the moment that was asked for."""
    if meta.log != log:
        raise Contradicted(f"in the midst of the log {log} the server answers of {meta.log}")
    if meta.position != position:
        raise CannotLook(f"asked for the log at position {position}, the server answers of {meta.position}")
