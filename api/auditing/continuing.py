"""A log that goes on from another, as it says itself: whether it does, by what was kept of that one."""

from api.auditing.index import Index
from api.auditing.verdicts import BreaksRules, CannotLook, Contradicted
from api.auditing.verified import Verification
from api.auditing.visits import Visits
from domain.log import LOG_STREAM, LogContinued
from events.checkpoint import Checkpoint


def continuations(verification: Verification, index: Index, visits: Visits) -> list[str]:
    """What to tell of the logs that this one continues; Contradicted where the part that they share is not the same."""
    told: list[str] = []
    for position in index.positions(LOG_STREAM):
        fact = verification.fact(position).fact
        if isinstance(fact, LogContinued):
            told += _continued(verification, position, fact, Visits(fact.previous_log, visits.folder.parent))
    return told


def _continued(verification: Verification, position: int, fact: LogContinued, former: Visits) -> list[str]:
    log, shared = fact.previous_log, fact.size
    if shared >= position or verification.tree.root(shared).hex() != fact.root:
        raise BreaksRules(
            f"position {position} says that this log goes on from the {shared} facts of log {log}, whose root is not "
            "that of its own first facts",
            position=position,
        )
    told = [f"position {position}: this log says that it goes on from log {log}, with whose first {shared} it begins"]
    notes = former.notes()
    if not notes:
        return [*told, f"of log {log} no note was kept at an earlier visit"]
    known = [(one.size, one.root, note) for one, note in notes if one.size <= shared]
    known += [(shared, root, notes[-1][1]) for root in _verified_root(former, shared)]
    for size, root, note in known:
        if verification.tree.root(size) != root:
            raise Contradicted(
                f"this log says that it begins with the first {shared} facts of log {log}, and of these the first "
                f"{size} were others at an earlier visit",
                notes=[note],
            )
    if known:
        told.append(f"so it does up to position {max(size for size, _, _ in known)}, by what was kept of log {log}")
    newest = notes[-1][0].size
    if newest > shared:
        told.append(f"of log {log} {newest} facts were signed: those from position {shared + 1} on are not in this log")
    return told


def _verified_root(former: Visits, size: int) -> list[bytes]:
    """The root of the first facts of a log that an earlier visit verified, if what it kept tells."""
    if not former.index.exists():
        return []
    index = Index(former.index)
    try:
        if index.tail.size < size:
            return []
        return [Verification(former.folder, index, Checkpoint("", index.tail.size, b"")).tree.root(size)]
    except CannotLook:  # its files were kept elsewhere
        return []
    finally:
        index.close()
