"""`planrecord audit`: judges a log from outside, trusting nobody. Needs no server, and none of its packages."""

import sys
from collections.abc import Generator
from contextlib import closing, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

import click

from api.cli.screen import ERR, OUT, fail, progress_bar

if TYPE_CHECKING:
    from api.auditing.kept import KeptFacts
    from api.auditing.visiting import Visited
    from events.note import VerifierKey

AGREES, CONTRADICTION, CANNOT_LOOK, STOPPED = 0, 1, 2, 130
_MOST_TOLD: Final = 100  # differences that are said in full


@click.command("audit")
@click.argument("target", metavar="URL|FOLDER|x.evidence")
@click.option("--key", metavar="FILE|VKEY", help="The log's key, as the authority published it.")
@click.option("--trust-first", is_flag=True, help="At the first visit, take the key that the log itself shows.")
@click.option(
    "--keep", type=click.Path(file_okay=False, path_type=Path), help="Where the log's files are kept, as served."
)
@click.option("--as-of", metavar="DATE|INSTANT", help="Write the state as the record showed it then.")
@click.option("--position", type=click.IntRange(min=1), help="… as the record showed it at this position.")
@click.option("--effective-on", metavar="DATE", help="… on this day.")
@click.option("--since", type=click.IntRange(min=1), metavar="N", help="Write what changed since this position.")
@click.option("--format", "form", type=click.Choice(["json", "csv"]), default="json", show_default=True)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file.")
@click.option("--compare", type=click.IntRange(min=1), metavar="N", help="Ask the API N random questions.")
@click.option("--seed", type=int, help="… those of this number.")
@click.option("--texts", is_flag=True, help="Hold the texts that the API discloses against their digests.")
def audit_command(target: str, **given: Any) -> None:
    """Check a log: every leaf, its root, its signature, and that it goes on from what was seen at earlier visits.

    URL is a server, FOLDER holds a log's files (as --keep leaves them), x.evidence is a saved answer. What was seen is
    remembered in ~/.local/state/planrecord, and only what is new is fetched and checked.

    Exit code 0: all agrees. 1: a contradiction; the notes that prove it are kept in a file. 2: it could not be looked.
    """
    from api.auditing.verdicts import CannotLook, Contradicted  # noqa: PLC0415 - for `planrecord --help` to be quick

    try:
        _audit(target, given)
    except CannotLook as error:
        fail(str(error), CANNOT_LOOK)
    except Contradicted as error:
        _convict(error)
    except KeyboardInterrupt:
        fail("stopped; what was fetched is kept", STOPPED)
    except OSError as error:
        fail(f"cannot go on: {error}", CANNOT_LOOK)
    except Exception:  # noqa: BLE001 - a mistake of ours is no contradiction, whose exit code Python's own would be
        ERR.print_exception()
        fail("a mistake of planrecord's own: nothing was judged", CANNOT_LOOK)


def _convict(error: Any) -> NoReturn:
    ERR.print(str(error), markup=False)
    if error.kept_in:
        ERR.print(f"kept, with the notes: {error.kept_in}", markup=False)
    sys.exit(CONTRADICTION)


def _audit(target: str, given: dict[str, Any]) -> None:
    from api.auditing.saved import judge_saved  # noqa: PLC0415

    key = key_given(given["key"])
    if Path(target).is_file():
        for line in judge_saved(Path(target).read_bytes(), key, None, given["keep"]):
            OUT.print(line, markup=False)
        return
    from api.auditing.sources import source_of  # noqa: PLC0415
    from api.auditing.visiting import Auditor  # noqa: PLC0415

    source = source_of(target)
    with closing(source):
        visit = Auditor(source, given["keep"], None, progress_bar).visit(key, trust_first=given["trust_first"])
        with closing(visit.facts):
            _tell(visit, texts=given["texts"], quiet=given["out"] is None and _writes(given))
            _beyond(source, visit, given)


def key_given(given: str | None) -> "VerifierKey | None":
    """The key that an option gives, itself or as a file; CannotLook."""
    from api.auditing.verdicts import CannotLook  # noqa: PLC0415
    from events.note import FormatError, VerifierKey  # noqa: PLC0415

    if given is None:
        return None
    try:
        said = Path(given).read_text("utf-8") if Path(given).is_file() else given
        return VerifierKey.parse(said.strip())
    except (FormatError, UnicodeDecodeError, OSError) as error:
        raise CannotLook(f"{given[:200]} is no key, and no file of one: {error}") from error


def _writes(given: dict[str, Any]) -> bool:
    return any(given[name] is not None for name in ("as_of", "position", "effective_on", "since"))


def _tell(visit: "Visited", *, texts: bool, quiet: bool) -> None:
    """What was found, in a few lines; on standard error where the state is written to standard output."""
    screen = ERR if quiet else OUT
    checkpoint, new = visit.checkpoint, visit.checkpoint.size - visit.verification.before
    screen.print(f"{checkpoint.origin}: {checkpoint.size} facts, root {checkpoint.root.hex()}", markup=False)
    screen.print(f"every leaf, the root and the signature are right; {max(new, 0)} of them are new", markup=False)
    for line in visit.told:
        screen.print(line, markup=False)
    if not texts:
        screen.print("texts not examined", markup=False)


def _beyond(source: Any, visit: "Visited", given: dict[str, Any]) -> None:
    """What the options ask for beside the log itself."""
    from api.auditing.kept import KeptFacts  # noqa: PLC0415
    from api.auditing.sources import Server  # noqa: PLC0415
    from api.auditing.verdicts import CannotLook  # noqa: PLC0415

    origin = visit.checkpoint.origin.rpartition("/")[0]
    facts = KeptFacts(visit.files, visit.checkpoint.size, visit.facts, origin)
    if _writes(given):
        _write(facts, visit, given)
    if not (given["compare"] or given["texts"]):
        return
    if not isinstance(source, Server):
        raise CannotLook("a folder has neither answers nor texts: --compare and --texts ask a server")
    told: list[str] = []
    if given["texts"]:
        _examine(source, facts, told)
    if given["compare"]:
        _compare(source, facts, visit, given, told)
    _sum(told)


def _write(facts: "KeptFacts", visit: "Visited", given: dict[str, Any]) -> None:
    from api.auditing.kept import at_moment  # noqa: PLC0415
    from api.auditing.states import moment_of, write_difference, write_state  # noqa: PLC0415
    from api.auditing.verdicts import CannotLook  # noqa: PLC0415

    if given["as_of"] and given["position"]:
        raise CannotLook("give --as-of or --position, not both")
    position, day = at_moment(facts, given["as_of"], given["position"], given["effective_on"])
    log = facts.log()
    opened = given["out"].open("w", encoding="utf-8", newline="") if given["out"] else nullcontext(sys.stdout)

    def moment(at: int, on: Any) -> dict[str, Any]:
        return moment_of(facts, at, on, visit.verification.tree.root(at), visit.checkpoint.log)

    with opened as out:
        if given["since"] is None:
            count = write_state(log.at(position, day), facts.begun(position), moment(position, day), given["form"], out)
            what = f"the state of {count} subjects at position {position}, on {day}"
        else:
            if given["since"] > position:
                raise CannotLook(f"--since {given['since']} lies behind position {position}")
            since, on = at_moment(facts, None, given["since"], given["effective_on"])
            moments = moment(since, on), moment(position, day)
            shown = log.at(since, on), log.at(position, day)
            count = write_difference(shown, facts.begun(position), moments, given["form"], out)
            what = f"{count} subjects that are not as they were at position {since}, on {on}"
    if given["out"]:
        OUT.print(f"{given['out']}: {what}", markup=False)


def _examine(source: Any, facts: "KeptFacts", told: list[str]) -> None:
    from api.auditing.disclosing import examine  # noqa: PLC0415

    with progress_bar("texts", facts.size) as advance:
        fitting = examine(source, facts, told.append, advance)
    OUT.print(f"{fitting} texts are those of their digests", markup=False)


def _compare(source: Any, facts: "KeptFacts", visit: "Visited", given: dict[str, Any], told: list[str]) -> None:
    from random import randrange  # noqa: PLC0415

    from api.auditing.asking import Judge, beside_told, compare, random_questions  # noqa: PLC0415

    seed = randrange(1 << 32) if given["seed"] is None else given["seed"]  # noqa: S311 - to be asked again
    judge = Judge(facts, visit.verification.tree, visit.checkpoint.log)
    with progress_bar("asking", given["compare"]) as advance:

        def asked() -> Generator[Any]:
            for one in random_questions(facts, seed, given["compare"]):
                yield one
                advance(1)

        count, beside = compare(source, judge, asked(), told.append)
    OUT.print(f"{given['compare']} questions asked (--seed {seed}): {count} differences", markup=False)
    for one in beside_told(beside):
        OUT.print(one, markup=False)


def _sum(told: list[str]) -> None:
    for one in told[:_MOST_TOLD]:
        ERR.print(one, markup=False)
    if len(told) > _MOST_TOLD:
        ERR.print(f"… and {len(told) - _MOST_TOLD:,} more")
    if told:
        fail(f"{len(told):,} difference{'s' * (len(told) > 1)} between what is served and the log", CONTRADICTION)
