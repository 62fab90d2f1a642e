"""`planrecord backup` and `planrecord restore`."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import click

from api.cli.screen import ERR, OUT
from api.cli.shared import data_dir_option, run, settings_of

folder_argument = click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, readable=False))


@click.command("backup")
@folder_argument
@click.option("--logical", is_flag=True, help="The log as files, for another version of PostgreSQL or DATABASE_URL.")
@data_dir_option
def backup_command(folder: Path, data_dir: Path | None, *, logical: bool) -> None:
    """Copy the record into DIR, a new folder, while it is being served or not.

    DIR then holds PostgreSQL's own base backup with its manifest, and in backup.json whose record it is, with the size
    and the root of its log. It holds every text and the key of the log's HMACs: keep it as safe as the data folder. The
    writing token is not in it. A base backup is bound to PostgreSQL's major version; --logical is not, and writes the
    leaves, the texts, the requests that were answered, and the log's identity and key. Make one before an upgrade.
    """
    from api.hosting.backups import back_up  # noqa: PLC0415 - base installs have no server

    settings = settings_of(data_dir=data_dir)
    with bar("copying") as done:
        made = run(back_up(settings, folder, done, logical=logical))
    OUT.print(f"{made.size} facts of log {made.log} backed up in {folder}; root {made.root}", markup=False)


@click.command("restore")
@folder_argument
@data_dir_option
def restore_command(folder: Path, data_dir: Path | None) -> None:
    """Make the record anew from the backup in DIR, in a data folder that has none.

    It gets its place only when every file is as the manifest says and the whole log has been hashed from its first
    fact. Nothing is written over a record: move the old one away, or name another data folder.
    """
    from api.hosting.backups import restore  # noqa: PLC0415 - base installs have no server

    settings = settings_of(data_dir=data_dir)
    with bar("restoring") as done:
        found = run(restore(settings, folder, done))
    OUT.print(f"{found.size} facts of log {found.log} restored; root {found.root}", markup=False)
    if found.lacks is None:
        OUT.print("Whether facts were recorded after this backup is not known here. If some were,", markup=False)
    elif found.lacks:
        OUT.print("It lacks facts that were acknowledged later. If no later backup is found,", markup=False)
    if found.lacks is not False:
        OUT.print("start `planrecord serve --as-new-log` once, which gives the log a new identity.", markup=False)


@contextmanager
def bar(what: str) -> Generator[Callable[[float], None]]:
    """A bar on the terminal, drawn as far as it is told, from 0 to 1."""
    from rich.progress import Progress  # noqa: PLC0415 - only where one is drawn

    with Progress(transient=True, console=ERR, disable=not ERR.is_terminal) as progress:
        drawn = progress.add_task(what, total=1.0)
        yield lambda share: progress.update(drawn, completed=share)
