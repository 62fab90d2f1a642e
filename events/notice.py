"""The notice: one sentence of the operator's for all who follow the record, which is no fact."""

from typing import Final

from domain.words import check_text
from events.database import CHANNEL, Connection

LONGEST_NOTICE: Final = 500  # characters: it stands in a header, where each may take nine


async def give_notice(connection: Connection, text: str) -> None:
    """Tell it from now on to all processes' followers; empty: nothing is told any more. NotWords if it is none."""
    if text:
        check_text(text, "/notice", LONGEST_NOTICE)
    await connection.execute("UPDATE log_head SET notice = $1", text)
    await connection.execute(f"NOTIFY {CHANNEL}")


async def notice_of(connection: Connection) -> str:
    """What is told; empty where nothing is."""
    notice: str = await connection.fetchval("SELECT notice FROM log_head")
    return notice
