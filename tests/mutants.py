"""Faults that the agreement must see: each is put into a copy of the project, and the oracle must tell it.

`make mutants`, or `python -m tests.mutants [NAME…]`. It prints of each mutant what it died of; one that lives fails.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final, NamedTuple

from tests.integration.commands import PROJECT

AGREEMENT: Final = "tests/integration/test_oracle.py::test_the_oracle_agrees_with_the_tables_of_random_records"
RECORDS: Final = "60"  # at most so many are told to find a fault


class Mutant(NamedTuple):
    """A fault: in a file one text stands for another."""

    file: str
    was: str
    is_: str


FOLD, REPORT, DIRECTORY = "projections/fold.py", "domain/report.py", "domain/directory.py"
MUTANTS: Final = {
    "what bears the founding day is timeless": Mutant(
        FOLD,
        "MINUS_INFINITY if fact is founding else",
        "MINUS_INFINITY if founding and fact.effective_on == founding.effective_on else",
    ),
    "a registration anew is not timeless": Mutant(
        FOLD,
        "fact for fact in live if fact.fact.FOUNDS)",
        "fact for fact in live if fact.fact.FOUNDS and place[fact.position] == known[0].position)",
    ),
    "the last registration is timeless, not the first": Mutant(
        FOLD,
        "next((fact for fact in live if fact.fact.FOUNDS), None)",
        "next((fact for fact in reversed(live) if fact.fact.FOUNDS), None)",
    ),
    "a replacement takes a place of its own": Mutant(
        FOLD, "place.get(fact.replaces, fact.position) if fact.replaces else fact.position", "fact.position"
    ),
    "voiding a replacement brings back what it replaced": Mutant(
        FOLD,
        "undone = {fact.undoes for fact in known}",
        "voided = {fact.undoes for fact in known if isinstance(fact.fact, FactVoided)}\n"
        "    undone = {fact.undoes for fact in known if fact.position not in voided}",
    ),
    "a later fact of an earlier day does not slot in": Mutant(
        FOLD, "until, behind = self._fold(at + 1, since)", "until, behind = self._fold(len(self._days), since)"
    ),
    "the latest report is of the latest period": Mutant(REPORT, "return min(last, one.effective_on)", "return last"),
    "a correction loses its rank": Mutant(REPORT, "one.place, first", "one.event, first"),
    "completed although some are silent": Mutant(
        REPORT, "if status == Status.COMPLETED and silent:", "if status == Status.COMPLETED and False:"
    ),
    "the most advanced word holds": Mutant(REPORT, "status = min((one.status", "status = max((one.status"),
    "a predecessor's word is lost": Mutant(REPORT, "    while asked:\n", "    for _ in asked[:1]:\n"),
    "whoever reported speaks where the list is open": Mutant(
        REPORT, "if one.membership == Listing.UNLISTED]", "if one.membership in Listing]"
    ),
    "who is named speaks for an open group, too": Mutant(
        REPORT, "spoken_for = {*speakers.own} | {unit", "spoken_for = {unit"
    ),
    "without leads nobody speaks": Mutant(REPORT, "in leads or task.assignments]", "in leads]"),
    "who left an open group is forgotten": Mutant(
        DIRECTORY, "left = (member,) if member in unit.members else ()", "left = ()"
    ),
    "of several successors the first acts alone": Mutant(
        DIRECTORY, "after[one] = now.successors if now", "after[one] = now.successors[:1] if now"
    ),
    "a group that is open counts as closed": Mutant(DIRECTORY, "    if unit.closed:\n", "    if unit.members:\n"),
    "who was succeeded acts beside his successors": Mutant(
        DIRECTORY, "for one in ahead if not after[one]", "for one in ahead if one == unit or not after[one]"
    ),
}


def copied(into: Path) -> None:
    """The project's files, as they are."""
    git = shutil.which("git")
    assert git
    listed = subprocess.run([git, "ls-files", "-z"], cwd=PROJECT, capture_output=True, check=True).stdout  # noqa: S603
    for name in filter(None, listed.decode().split("\0")):
        if (PROJECT / name).is_file():
            (into / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(PROJECT / name, into / name)
    (into / "api" / "assets" / "files").symlink_to((PROJECT / "api" / "assets" / "files").resolve())


def died(project: Path) -> str | None:
    """What the agreement says of a project's files; None if nothing."""
    command = (sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", AGREEMENT)
    given = {**os.environ, "PYTHONPATH": str(project), "AGREEMENT_RECORDS": RECORDS}
    done = subprocess.run(command, cwd=project, env=given, capture_output=True, check=False)  # noqa: S603 - our own words
    if done.returncode == 0:
        return None
    said = done.stdout.decode()
    told = re.search(r"^E +(?:AssertionError: )?(.*)$", said, re.MULTILINE)
    return told[1][:200] if told else said[-500:]


def main(*names: str) -> None:
    """Try every mutant, or those that are named."""
    alive: list[str] = []
    with tempfile.TemporaryDirectory(prefix="planrecord-mutants-") as folder:
        project = Path(folder) / "project"
        copied(project)
        project.parent.chmod(0o755)
        for name in names or MUTANTS:
            mutant = MUTANTS[name]
            file = project / mutant.file
            text = file.read_text("utf-8")
            assert text.count(mutant.was) == 1, f"{name}: {mutant.file} has changed"
            file.write_text(text.replace(mutant.was, mutant.is_), "utf-8")
            told = died(project)
            file.write_text(text, "utf-8")
            alive += [] if told else [name]
            sys.stdout.write(f"{mutant.file}: {name}: {told or 'LIVES'}\n")
            sys.stdout.flush()
    sys.exit(f"{len(alive)} live: {', '.join(alive)}" if alive else 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
