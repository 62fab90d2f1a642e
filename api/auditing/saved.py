"""A saved answer, judged without a network: was the log that it names signed, and does its fold give this answer."""

from pathlib import Path
from typing import Any

from api.auditing.asking import NOT_WORKED_OUT, Judge, beside_told, pinned_question
from api.auditing.index import Index
from api.auditing.kept import KeptFacts
from api.auditing.verdicts import CannotLook, Contradicted
from api.auditing.verified import Verification
from api.auditing.visits import Visits
from events.checkpoint import Checkpoint, NotSigned
from events.evidence import ReadAt, SavedAnswer, parse_evidence
from events.foreign_json import foreign_json
from events.merkle import NotProved
from events.note import FormatError, VerifierKey


def judge_saved(given: bytes, key: VerifierKey | None, state: Path | None, files: Path | None) -> list[str]:
    """What a saved answer proves, in sentences; Contradicted, or CannotLook where that is not all of it.

    The facts are those that an earlier visit verified, in `files` or where that kept them.
    """
    try:
        evidence = parse_evidence(given)
        said = evidence.read_at()
    except FormatError as error:
        raise CannotLook(f"that is no saved answer: {error}") from error
    visits = Visits(said.name.rpartition("/")[2], state)
    trusted = key or visits.key()
    if trusted is None:
        raise CannotLook(f"no key of {said.name} was kept at an earlier visit: say --key FILE")
    signed = _signed(evidence, said, trusted)
    told = [f"{evidence.of}, saved at position {said.position} of {said.name}", _said_of(signed)]
    if not visits.index.exists():
        _incomplete([*told, "whether its facts give this answer is not known: audit the log first"])
    index = Index(visits.index)
    try:
        return told + _by_the_facts(evidence, said, index, visits, files or visits.folder)
    except CannotLook as error:
        raise CannotLook("\n".join([*told, str(error)])) from error
    finally:
        index.close()


def _said_of(signed: Checkpoint | None) -> str:
    if signed is None:
        return "it was saved without a note, and proves nothing by itself"
    return f"the log of this root was signed: it is the beginning of the {signed.size} facts of its note"


def _incomplete(told: list[str]) -> None:
    raise CannotLook("\n".join(told))


def _signed(evidence: SavedAnswer, said: ReadAt, key: VerifierKey) -> Checkpoint | None:
    if key.name != said.name:
        raise Contradicted(f"the answer is one of {said.name}, and the key that of {key.name}")
    if evidence.note is None:
        return None
    try:
        return evidence.check(key)
    except (NotSigned, NotProved, FormatError) as error:
        raise Contradicted(f"{error}", notes=[evidence.note.encode()]) from error


def _by_the_facts(evidence: SavedAnswer, said: ReadAt, index: Index, visits: Visits, files: Path) -> list[str]:
    """What the facts say of the answer that an earlier visit verified."""
    size, notes = index.tail.size, [note for _, note in visits.notes()[-1:]]
    if size < said.position:
        _incomplete([f"of its {said.position} facts {size} were verified: audit the log again"])
    tree = Verification(files, index, Checkpoint(said.name, size, b"")).tree
    if tree.root(said.position) != said.root:
        if evidence.note is None:
            raise Contradicted(
                f"the log that was verified has another root at position {said.position}: the answer proves nothing "
                "by itself, as it was saved without a note"
            )
        raise Contradicted(
            f"the log that was verified has another root at position {said.position}, and both are signed",
            notes=[evidence.note.encode(), *notes],
        )
    facts = KeptFacts(files, size, index, said.name.rpartition("/")[0])
    question, page = pinned_question(evidence.of), foreign_json(evidence.answer.encode(), dict[str, Any])
    judge = Judge(facts, tree, said.name.rpartition("/")[2])
    judged = judge.judged(question, [page], whole=page.get("next") is None) if question else NOT_WORKED_OUT
    if not judged.worked_out:
        _incomplete(["the log has this root; answers of this kind are not worked out here"])
    if judged.wrong:
        raise Contradicted("\n".join(["the facts do not give this answer:", *judged.wrong]))
    return ["its facts give this answer", *beside_told(judged.beside)]
