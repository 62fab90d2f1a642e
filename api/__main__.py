"""The `planrecord` command. What needs a server is imported only where it is used."""

import click

from api.cli.audit import audit_command
from api.cli.backup import backup_command, restore_command
from api.cli.follow import follow_command
from api.cli.notice import notice_command
from api.cli.publish import publish_command
from api.cli.read import read_command
from api.cli.record import record_command
from api.cli.save import save_command
from api.cli.serve import demo_command, serve_command
from api.cli.upkeep import clock_command, rebuild_command, verify_command


@click.group(
    context_settings={"help_option_names": ["-h", "--help"]}, epilog="Settings: PLANRECORD_… and DATABASE_URL."
)
@click.version_option(package_name="planrecord")
def main() -> None:
    """A public plan as an append-only record: every state, at any past date, can be asked for, replayed and proved."""


for command in (
    serve_command,
    demo_command,
    read_command,
    record_command,
    verify_command,
    audit_command,
    follow_command,
    rebuild_command,
    backup_command,
    restore_command,
    publish_command,
    notice_command,
    save_command,
    clock_command,
):
    main.add_command(command)

if __name__ == "__main__":
    main()
