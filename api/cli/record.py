"""`planrecord record`: the same commands as POST /v1/commands, from a file or standard input."""

import json
import sys
from pathlib import Path
from typing import Any

import click
import msgspec

from api.cli.screen import OUT
from api.cli.shared import data_dir_option, run, settings_of


@click.command("record")
@click.argument("file", type=click.File("rb"), default="-")
@click.option("--dry-run", is_flag=True, help="Say what would be recorded and change; record nothing.")
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON, as POST /v1/commands does.")
@data_dir_option
def record_command(file: Any, data_dir: Path | None, *, dry_run: bool, as_json: bool) -> None:
    """Record what the commands in FILE decide: one JSON object, or a list that stands or falls together.

    Example: {"type": "task.reword", "task": "shanghai-credit-2023/12", "text": "…", "reason": "…"}
    """
    receipt = run(_record(settings_of(data_dir=data_dir), file.read(), dry_run=dry_run))
    if as_json:
        sys.stdout.write(msgspec.json.encode(receipt).decode() + "\n")
        return
    for fact in receipt.facts:
        data = json.dumps(fact.data, ensure_ascii=False)
        OUT.print(f"{fact.position:>7}  {fact.effective_on}  {fact.stream}  {fact.type}  {data}", markup=False)
    for doubt in receipt.doubts:
        OUT.print(f"doubt: lines {', '.join(map(str, doubt.lines))}: {doubt.detail}", markup=False)
    count = f"{len(receipt.facts)} fact{'' if len(receipt.facts) == 1 else 's'}"
    OUT.print(
        f"{count} would be recorded" if dry_run else f"{count} recorded; the log holds {receipt.position}", markup=False
    )


async def _record(settings: Any, body: bytes, *, dry_run: bool) -> Any:
    from api.http.body import check_json, decoded_commands  # noqa: PLC0415 - base installs have no server
    from api.main import service  # noqa: PLC0415

    check_json(body)
    commands = decoded_commands(body)
    async with service(settings, purpose="read" if dry_run else "write") as running:
        return await (running.office.dry_run(commands) if dry_run else running.office.record(commands))
