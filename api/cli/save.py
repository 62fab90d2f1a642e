"""`planrecord save`: an answer to keep, with the checkpoint that covers it. Needs no server's packages."""

import sys
from urllib.parse import urlencode, urlsplit

import click

from api.cli.screen import ERR, fail


@click.command("save")
@click.argument("address")
def save_command(address: str) -> None:
    """Write the answer of ADDRESS, such as https://record.example/v1/plans/p?position=354, to standard output.

    What is written is a file to keep: the answer, the first checkpoint of the log that covers it, and the proof that
    the log of the answer is the beginning of the one that was signed. `planrecord audit FILE --key KEY` judges it, also
    years later and without a network. Both clocks are pinned if the address does not do so.

    Exit code 2 if the address cannot be asked, 1 if it is not answered by what can be kept.
    """
    from api.auditing.sources import GOOD, Server  # noqa: PLC0415 - `planrecord --help` need not load it
    from api.auditing.verdicts import CannotLook  # noqa: PLC0415
    from events.evidence import MAX_EVIDENCE, parse_evidence  # noqa: PLC0415
    from events.note import FormatError  # noqa: PLC0415

    parts = urlsplit(address)
    if parts.scheme not in {"http", "https"} or not parts.netloc or not parts.path.startswith("/v1/"):
        fail(f"{address} is no address of an answer: it begins with http:// or https://, and goes on with /v1/", 2)
    of = f"{parts.path}?{parts.query}" if parts.query else parts.path
    try:
        server = Server(f"{parts.scheme}://{parts.netloc}", "planrecord-save")
        answer = server.reply(f"/v1/evidence?{urlencode({'of': of})}", MAX_EVIDENCE)
    except CannotLook as error:
        fail(f"{address} cannot be asked: {error}", 2)
    if answer.status != GOOD:
        fail(f"{address} gives nothing to keep: {_said(answer.body, answer.status)}", 1)
    try:
        kept = parse_evidence(answer.body)
        position = kept.read_at().position
    except FormatError as error:
        fail(f"{address} gives nothing to keep: {error}", 1)
    sys.stdout.buffer.write(answer.body)
    if kept.note is None:
        ERR.print("Nobody signs this log: what was saved proves nothing by itself.", markup=False)
    else:
        ERR.print(f"saved {kept.of}, read from the first {position} facts of a signed log", markup=False)


def _said(content: bytes, status: int) -> str:
    """What a problem document says; of what is none the status."""
    from events.foreign_json import foreign_json  # noqa: PLC0415
    from events.note import FormatError  # noqa: PLC0415

    try:
        return str(foreign_json(content, dict[str, object])["detail"])
    except (FormatError, KeyError):
        return f"it answers {status}"
