"""`planrecord follow`: a copy of one's own, kept up to date and proved. Needs no server, and none of its packages."""

import signal
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from time import sleep
from typing import TYPE_CHECKING, Any, Final, NoReturn

import click

from api.cli.audit import CANNOT_LOOK, CONTRADICTION, STOPPED, key_given
from api.cli.screen import ERR, OUT, fail, progress_bar

if TYPE_CHECKING:
    from api.following.follower import Caught, Follower, FollowOrder

FILTERS: Final = ("plan", "task", "unit", "district", "stream", "type", "authority", "corrections")


@click.command("follow")
@click.argument("url")
@click.option(
    *("--into", "into"),
    required=True,
    metavar="FILE.db",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The SQLite file, which is made if it is not there.",
)
@click.option("--once", is_flag=True, help="Catch up and end: for cron.")
@click.option("--key", metavar="FILE|VKEY", help="The log's key, as the authority published it.")
@click.option("--moved", is_flag=True, help="The same log has a new address: URL.")
@click.option("--plan", metavar="ID", help="Only this plan, its tasks, and the reports on them.")
@click.option("--task", metavar="ID", help="Only this task and the reports on it.")
@click.option("--unit", metavar="ID", help="Only the facts of this unit and those that name it.")
@click.option("--district", metavar="CODE", help="Only the facts of this district and its units.")
@click.option("--stream", metavar="NAME", help="Only this stream.")
@click.option("--type", metavar="TYPE,…", help="Only facts of these types, and those that undo one.")
@click.option("--authority", metavar="NUMBER", help="Only what this document orders.")
@click.option("--corrections", is_flag=True, help="Only facts that undo another.")
def follow_command(url: str, into: Path, **given: Any) -> None:
    """Keep a copy of the record at URL in a SQLite file, take over all that comes, and prove it.

    \b
    planrecord follow https://record.example --into record.db
    sqlite3 record.db "SELECT number, reportedStatus, text FROM tasks"

    The table events has every fact as it was recorded; plans, tasks, units and districts have what they add up to
    today (the day in Shanghai, by the record's clock), each with its columns and, as item, the JSON that the API's list
    shows. Facts and tables change together, so the file is right whenever you read it, also after a crash: start the
    command again, and it goes on where it was. Read the file while it is followed; write into another one.

    Each fact is held against its hash, all of them against the root that the log's key has signed, and each root
    against the one before. The key is the first that is seen, or --key; nothing is taken over that it has not signed.

    With a filter the file holds less. --plan and --task: their tables are those of the API, whole; who and where is
    followed beside them, marked beside = 1. --unit and --district: the tables units and districts, without what tells
    of tasks. Any other filter, or two together: the facts alone. That such a fact is in the log is proved; that none
    was left out is seen in a subject's stream, which is numbered, and is proved of a whole copy alone.

    Exit code 0: caught up (--once). 1: the record is not the one that was followed, or something is not proved; the
    file stays as it was, and keeps both signed notes in its table contradictions. 2: it could not be looked. Ctrl-C
    ends it at any time.
    """  # noqa: D301 - click's own mark
    from api.auditing.verdicts import CannotLook, Contradicted  # noqa: PLC0415 - for `planrecord --help` to be quick

    for number in (signal.SIGINT, signal.SIGTERM):  # a shell has SIGINT ignored by what it leaves in the background
        signal.signal(number, signal.default_int_handler)
    try:
        _follow(url, into, given)
    except CannotLook as error:
        fail(str(error), CANNOT_LOOK)
    except Contradicted as error:
        _convict(error)
    except KeyboardInterrupt:
        fail(f"stopped; what was taken over is kept in {into}", STOPPED)
    except (OSError, sqlite3.Error) as error:
        fail(f"cannot go on: {error}; what was taken over before is kept", CANNOT_LOOK)
    except Exception:  # noqa: BLE001 - as in an audit: a mistake of ours is no contradiction
        ERR.print_exception()
        fail("a mistake of planrecord's own: nothing more was taken over", CANNOT_LOOK)


def _follow(url: str, into: Path, given: dict[str, Any]) -> None:
    from api.auditing.sources import Server  # noqa: PLC0415
    from api.following.feed import LogFeed  # noqa: PLC0415
    from api.following.follower import Follower, FollowOrder  # noqa: PLC0415
    from api.following.part import FollowedPart  # noqa: PLC0415

    chosen: dict[str, Any] = given | {"corrections": "true" if given["corrections"] else None}
    part = FollowedPart({name: chosen[name] for name in FILTERS if chosen[name] is not None})
    order = FollowOrder(into, part, key_given(given["key"]), given["moved"])
    with (
        closing(LogFeed(Server(url, "planrecord-follow"))) as feed,
        closing(Follower(feed, order, _warn)) as follower,
    ):
        _run(follower, order, once=given["once"])


def _run(follower: "Follower", order: "FollowOrder", *, once: bool) -> None:
    from api.following.running import GIVES_UP_AFTER, Patience, catch_up, follow_on  # noqa: PLC0415

    before, patience = follower.position, Patience(GIVES_UP_AFTER if once else None, _warn, sleep)
    caught = catch_up(follower, patience, progress_bar)
    state = follower.copy.state if follower.copy else None
    if state:
        OUT.print(f"{order.into} holds {order.part.said} of {state.origin}/{state.log}", markup=False)
        OUT.print(f"up to position {state.position} ({state.position - before} more), root {state.root}", markup=False)
        OUT.print(f"its tables show {state.effective_on}; {_trust(state.key)}", markup=False)
    if not once:
        OUT.print(f"the log holds {caught.head}; following on, Ctrl-C ends it", markup=False)
        follow_on(follower, patience, _tell)


def _trust(key: str | None) -> str:
    return "every fact is under a signed root" if key else "nobody signs this log"


def _tell(caught: "Caught") -> None:
    facts, rows = f"{caught.facts} fact{'s' * (caught.facts != 1)}", f"{caught.rows} row{'s' * (caught.rows != 1)}"
    OUT.print(f"position {caught.position}: {facts} more, {rows} changed", markup=False)


def _warn(sentence: str) -> None:
    ERR.print(sentence, markup=False)


def _convict(error: Any) -> NoReturn:
    ERR.print(str(error), markup=False)
    for note in error.notes:
        ERR.print(note.decode(errors="replace"), markup=False)
    if error.kept_in:
        ERR.print(f"kept, with the notes, in the table contradictions of {error.kept_in}", markup=False)
    sys.exit(CONTRADICTION)
