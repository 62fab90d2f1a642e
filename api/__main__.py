"""The `planrecord` command. What needs a server is imported only where it is used."""

from typing import Final

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

SECTIONS: Final = {  # of the help: each command, and what it is for in a few words
    "To begin": {
        serve_command: "serve the record: pages, REST, GraphQL, feeds",
        demo_command: "tell a year of INVENTED reports; --serve serves it",
        read_command: "show what is read from a plan's document",
    },
    "To write": {
        record_command: "record what the commands in a file decide",
        clock_command: "set the demo's clock forward",
    },
    "To check, from any machine": {
        audit_command: "check a log: every leaf, its root, its signature",
        save_command: "keep an answer with all that proves it",
        follow_command: "keep a verified copy of a record in SQLite",
    },
    "To look after it": {
        verify_command: "refold the log and compare every table",
        rebuild_command: "build the tables anew, beside a running server",
        backup_command: "copy the record while it is being served",
        restore_command: "make the record anew from a backup",
        publish_command: "sign the log beside the servers of its database",
        notice_command: "tell all who follow it something",
    },
}


class Sections(click.Group):
    """A group whose help lists its commands by what they are for."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's
        """Write the sections."""
        for title, commands in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(one.name or "", said) for one, said in commands.items()])


@click.group(
    cls=Sections,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="`planrecord COMMAND --help` tells each one's options, `planrecord serve --help` the settings.",
)
@click.version_option(package_name="planrecord")
def main() -> None:
    """A public plan as an append-only record: every state, at any past date, can be asked for, replayed and proved.

    To see it, `planrecord demo --serve`, and open the address that it prints.
    """


for section in SECTIONS.values():
    for command in section:
        main.add_command(command)

if __name__ == "__main__":
    main()
