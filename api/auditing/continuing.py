"""A log that goes on from another, as it says itself: whether it does, by what was kept of that one."""

from api.auditing.index import Index
from api.auditing.verdicts import BreaksRules, Contradicted
from api.auditing.verified import Verification
from api.auditing.visits import Visits
from domain.log import LOG_STREAM, LogContinued


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
    for one, note in notes:
        if one.size <= shared and verification.tree.root(one.size) != one.root:
            raise Contradicted(
                f"this log says that it begins with the first {shared} facts of log {log}; the note of {one.size} of "
                "them, kept at an earlier visit, was signed over others",
                notes=[note],
            )
    agreeing = max((one.size for one, _ in notes if one.size <= shared), default=0)
    if agreeing:
        told.append(f"it does up to position {agreeing}, by the notes that were kept of log {log}")
    newest = notes[-1][0].size
    if newest > shared:
        told.append(f"of log {log} {newest} facts were signed: those from position {shared + 1} on are not in this log")
    return told
