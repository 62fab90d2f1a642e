"""How far a log that is followed is signed: the key that was seen first, its newest note, and that each goes on."""

from collections.abc import Callable, Sequence
from time import sleep
from typing import Final

import msgspec

from api.auditing.verdicts import CannotLook, Contradicted
from api.following.copy import FollowedCopy
from api.following.feed import HeadMeta, LogFeed, NotSigning
from events import merkle
from events.checkpoint import Checkpoint, NotSigned, open_checkpoint
from events.note import FormatError, VerifierKey

SIGNED_WITHIN: Final = 5.0  # seconds in which a fact should be signed; whoever follows on looks again anyway,
_LOOKS_ON: Final = 1.0  # and waits no longer
_LOOKS: Final = 0.2  # seconds between two looks for a note
Warn = Callable[[str], None]


class SignedLog:
    """What a copy trusts of the log that it follows."""

    def __init__(self, feed: LogFeed, copy: FollowedCopy, given: VerifierKey | None, say: Warn) -> None:
        self._feed, self._copy, self._given, self._say = feed, copy, given, say
        self._log = copy.state.log
        self._key = self._trusted()

    def _trusted(self) -> VerifierKey | None:
        """The key that was kept, given, or is seen now for the first time; None where nobody signs."""
        state = self._copy.state
        try:
            shown = self._feed.key(self._log)
        except NotSigning as error:
            if state.key:
                raise Contradicted(f"the log was signed by {state.key}, and now nobody signs it: {error}") from error
            if self._given:
                raise CannotLook(f"you give a key, and nobody signs this log: {error}") from error
            self._say("WARNING: nobody signs this log: what is taken over has the root that its server tells itself")
            return None
        trusted = state.key or (str(self._given) if self._given else shown)
        if shown != trusted:
            raise Contradicted(f"the log's key is {trusted}, and its server shows the key {shown}")
        try:
            key = VerifierKey.parse(trusted)
        except FormatError as error:
            raise CannotLook(f"{self._feed.name} shows no key: {error}") from error
        if not state.key:
            self._say(f"signed by the key with the fingerprint {key.fingerprint}, which is trusted from now on")
            self._copy.save(msgspec.structs.replace(state, key=trusted))
            self._copy.commit()
        return key

    def target(self, meta: HeadMeta, *, patient: bool) -> Checkpoint:
        """The log up to which facts are taken over: as it was signed last or, where nobody signs it, as it is."""
        said = Checkpoint(meta.name, meta.position, bytes.fromhex(meta.root))
        if not self._key:
            return said
        found, waited = self._newest(self._key), 0.0
        while found.size < meta.position and waited < (SIGNED_WITHIN if patient else _LOOKS_ON):
            sleep(_LOOKS)
            waited += _LOOKS
            found = self._newest(self._key)
        if found.size < meta.position:
            self._say("WARNING: the log holds facts that its newest note does not cover: they are not taken over yet")
        if found.size == meta.position and found.root != said.root:
            raise Contradicted(
                f"the server tells the root {meta.root} of its {found.size} facts, and signed is {found.root.hex()}",
                notes=self.notes,
            )
        return found

    def _newest(self, key: VerifierKey) -> Checkpoint:
        """The newest note, which goes on from the one that was kept and is kept in its place."""
        try:
            note = self._feed.note(self._log)
        except NotSigning as error:
            raise Contradicted(f"the log was signed, and now nobody signs it: {error}", notes=self.notes) from error
        both = [*dict.fromkeys((*self.notes, note))]
        try:
            found = open_checkpoint(note, key)
        except (FormatError, NotSigned) as error:
            raise Contradicted(f"{error}", notes=both) from error
        kept = Checkpoint(found.origin, 0, merkle.EMPTY)
        for one in self.notes:
            kept = open_checkpoint(one, key)
        if found.size <= kept.size:  # the same, or one that is late on its way
            self.goes_on(found, kept, both)
            return kept
        self.goes_on(kept, found, both)
        self._copy.save(msgspec.structs.replace(self._copy.state, note=note.decode()))
        return found

    @property
    def notes(self) -> Sequence[bytes]:
        """The note that was kept, if there is one."""
        note = self._copy.state.note
        return [note.encode()] if note else []

    def goes_on(self, first: Checkpoint, second: Checkpoint, notes: Sequence[bytes]) -> None:
        """That one log is the beginning of another; Contradicted."""
        between = 0 < first.size < second.size
        proof = self._feed.consistency(self._log, first.size, second.size) if between else ()
        try:
            merkle.check_consistency(first.size, first.root, second.size, second.root, proof)
        except merkle.NotProved as error:
            raise Contradicted(
                f"the log of {second.size} facts is not proved to begin with the {first.size} facts before: {error}",
                notes=notes,
            ) from error
