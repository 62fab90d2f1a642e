"""One visit to a log: its note, what is new since the last visit, and whether all of it is one history."""

from pathlib import Path
from typing import NamedTuple

from api.auditing.continuing import continuations
from api.auditing.fetching import Watch, fetch_bundles
from api.auditing.hashed import ServedTree, first_difference
from api.auditing.index import Index
from api.auditing.sources import LARGEST_TILE, MAX_KEY, Folder, LogSource, Server
from api.auditing.verdicts import BreaksRules, CannotLook, Contradicted
from api.auditing.verified import Verification
from api.auditing.visits import Visits, checkpoint_of, write_whole
from events.checkpoint import Checkpoint, NotSigned, open_checkpoint
from events.note import FormatError, VerifierKey
from events.tiles import WIDTH, TilePlace, tile_path


class Visited(NamedTuple):
    """A log that was found to be what was signed: where its files are, and what was known of it before."""

    checkpoint: Checkpoint
    note: bytes
    key: VerifierKey
    files: Path
    facts: Index
    verification: Verification
    told: list[str]


class FirstVisit(CannotLook):
    """The first visit to a log whose key nobody has vouched for. The message shows the key's fingerprint."""


class Opened(NamedTuple):
    """A note that is served, opened with the key that is trusted, and what was kept of its log."""

    checkpoint: Checkpoint
    note: bytes
    key: VerifierKey
    visits: Visits


def open_served(source: LogSource, key: VerifierKey | None, state: Path | None, *, trust_first: bool) -> Opened:
    """The newest note; CannotLook, Contradicted."""
    note = source.note()
    try:
        said = checkpoint_of(note)
    except FormatError as error:
        if key and note.startswith(f"{key.name}\n".encode()):
            raise Contradicted(f"the log's note is none any more: {error}", notes=[note]) from error
        raise CannotLook(f"{source.name} shows no log's note: {error}") from error
    if isinstance(source, Server) and source.log != said.log:
        raise Contradicted(f"what is served as log {source.log} is the note of {said.origin}", notes=[note])
    visits = Visits((key.name.rpartition("/")[2] if key else said.log), state)
    trusted = key or visits.key() or _first(source, said, trust_first=trust_first)
    if (kept := visits.key()) and kept != trusted:
        raise CannotLook(
            f"at an earlier visit the key of {kept.name} was {kept.fingerprint}, and now you give another: if it is "
            f"right, take {visits.folder} away and begin anew"
        )
    visits.make()
    try:
        return Opened(open_checkpoint(note, trusted), note, trusted, visits)
    except (NotSigned, FormatError) as error:
        found = Contradicted(str(error), notes=[note, *(one for _, one in visits.notes()[-1:])])
        found.kept_in = visits.contradiction(str(found), found.notes)
        raise found from error


def _first(source: LogSource, said: Checkpoint, *, trust_first: bool) -> VerifierKey:
    """The key that the log shows itself, if that is to be trusted."""
    try:
        key = VerifierKey.parse(source.file("key", MAX_KEY).decode().strip())
    except (FormatError, UnicodeDecodeError) as error:
        raise CannotLook(f"{source.name} shows no key: {error}") from error
    if trust_first:
        return key
    raise FirstVisit(
        f"this is the first visit to {said.origin}, and no key was given. Its server shows the key with the "
        f"fingerprint\n  {key.fingerprint}\nCompare it with the one that the authority has published elsewhere; then "
        "say --key FILE, or --trust-first to take it as it is."
    )


class Auditor:
    """Visits a log, found at a source, with what was kept of it before."""

    def __init__(self, source: LogSource, keep: Path | None, state: Path | None, watch: Watch) -> None:
        self._source, self._keep, self._state, self._watch = source, keep, state, watch

    def visit(self, key: VerifierKey | None, *, trust_first: bool) -> Visited:
        """The log, verified; CannotLook, Contradicted with the notes that prove it."""
        checkpoint, note, trusted, visits = open_served(self._source, key, self._state, trust_first=trust_first)
        files = self._source.folder if isinstance(self._source, Folder) else self._keep or visits.folder
        index, earlier = Index(visits.index), visits.notes()
        known = max([index.tail.size, *(one.size for one, _ in earlier)])
        if checkpoint.size < known:
            checkpoint, note = self._larger(checkpoint, note, known, trusted)
        verification = Verification(files, index, checkpoint)
        made: list[Path] = []
        try:
            if isinstance(self._source, Server):
                fetch_bundles(self._source, files, checkpoint.size, index, self._watch, made)
            with self._watch("checking", max(checkpoint.size - index.tail.size, 0)) as advance:
                verification.run(advance)
            told = _compare(verification, earlier)
            self._not_cut(checkpoint, note, known, earlier)
            told += continuations(verification, index, visits)
            self._check_shown(trusted, note)
            visits.keep(checkpoint, note)
        except Contradicted as error:
            found = self._located(error, verification, note, earlier)
            found.kept_in = visits.contradiction(str(found), found.notes)
            index.close()
            for path in made:
                path.unlink(missing_ok=True)
            raise found from error
        except BaseException:
            index.close()
            raise
        verification.remember()
        visits.trust(trusted)
        if isinstance(self._source, Server):
            self._settle(files, checkpoint, note, trusted, verification.before)
        return Visited(checkpoint, note, trusted, files, index, verification, told)

    def _larger(self, checkpoint: Checkpoint, note: bytes, known: int, key: VerifierKey) -> tuple[Checkpoint, bytes]:
        """A note that covers what was seen before, if the log has one: the newest may be late somewhere on its way."""
        other = self._source.covering(known)
        if other is None:
            return checkpoint, note
        try:
            return open_checkpoint(other, key), other
        except (FormatError, NotSigned):
            return checkpoint, note

    def _not_cut(
        self, checkpoint: Checkpoint, note: bytes, known: int, earlier: list[tuple[Checkpoint, bytes]]
    ) -> None:
        """What was signed before is still served; a folder may be an older copy."""
        if checkpoint.size < known and isinstance(self._source, Server):
            raise Contradicted(
                f"{known} facts were signed before, and the log is served with {checkpoint.size}: the facts from "
                f"position {checkpoint.size + 1} on are gone",
                position=checkpoint.size + 1,
                notes=[note, *(one for _, one in earlier[-1:])],
            )

    def _check_shown(self, trusted: VerifierKey, note: bytes) -> None:
        """The key that is served is the one that signs: whoever comes first is shown no other."""
        if not isinstance(self._source, Server):
            return
        shown = self._source.file("key", MAX_KEY).decode("utf-8", "replace").strip()
        if shown != str(trusted):
            raise Contradicted(f"the log is signed by {trusted}, and its server shows the key {shown}", notes=[note])

    def _settle(self, files: Path, checkpoint: Checkpoint, note: bytes, key: VerifierKey, before: int) -> None:
        """The folder is as `/log/{log}/…` is served: no partial bundle but the last."""
        write_whole(files / "checkpoint", note)
        write_whole(files / "key", f"{key}\n".encode())
        if before % WIDTH and before < checkpoint.size:
            old = files / tile_path(TilePlace(None, before // WIDTH, before % WIDTH))
            old.unlink(missing_ok=True)
            if old.parent.is_dir() and not any(old.parent.iterdir()):
                old.parent.rmdir()

    def _located(
        self, error: Contradicted, verification: Verification, note: bytes, earlier: list[tuple[Checkpoint, bytes]]
    ) -> Contradicted:
        """The same with the first fact that differs and the notes that contradict each other."""
        if isinstance(error, BreaksRules):
            return BreaksRules(str(error), position=error.position, notes=[note])
        sentence, position = str(error), error.position
        if position is None:
            try:
                position, where = self._first(verification)
            except CannotLook as reason:
                where = f"where is not known: {reason}"
            sentence = f"{sentence}; {where}"
        against = [one for one in earlier if position is None or one[0].size >= position][:1]
        if against:
            sentence += f"; the note of {against[0][0].size} facts, kept at an earlier visit, was signed over another"
        notes = dict.fromkeys([note, *error.notes, *(one for _, one in against)])
        return Contradicted(sentence, position=position, notes=[*notes])

    def _first(self, verification: Verification) -> tuple[int | None, str]:
        """The first fact that is not what the served tree has, and in words what that means; CannotLook."""
        size = verification.checkpoint.size
        served = ServedTree(size, lambda place: self._source.file(tile_path(place), LARGEST_TILE))
        common = min(verification.before, size)
        if position := first_difference(verification.kept_tree, served, common):
            return position, f"position {position} is the first fact that is not as it was at an earlier visit"
        if position := first_difference(verification.tree, served, size):
            return position, f"position {position} is the first fact that is not the one in the log's tree"
        return None, "the tiles that are served are those of the facts, so the note is of another log"


def _compare(verification: Verification, earlier: list[tuple[Checkpoint, bytes]]) -> list[str]:
    """Each note of an earlier visit is one of this log; Contradicted."""
    agreed, size = 0, verification.checkpoint.size
    for one, note in earlier:
        if one.size <= size and verification.tree.root(one.size) != one.root:
            raise Contradicted(
                f"a note of an earlier visit has another root for the first {one.size} facts: one of the facts "
                f"{agreed + 1} to {one.size} is not as it was signed then",
                notes=[note],
            )
        agreed = min(one.size, size)
    if not earlier:
        return ["this was the first visit: there is no earlier note to hold it against"]
    told = [f"it goes on from all notes of earlier visits ({len(earlier)}), the largest of {earlier[-1][0].size} facts"]
    return told + [f"this is an older copy: {earlier[-1][0].size} were signed"] * (earlier[-1][0].size > size)
