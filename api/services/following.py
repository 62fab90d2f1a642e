"""Where somebody stands who follows the log: whether it has come so far, and whether it is the log that is here."""

from typing import Final

from api.services.problems import Fault, Trouble
from api.services.reader import Reader

APPEARS_WITHIN: Final = 1  # seconds in which what another process has told should be seen here too
_COMMON: Final = (
    "find the last fact that both have: compare the leafHash of /v1/events/{half} with yours, go on with the upper "
    "half if it is the same, else with the lower, then follow from there"
)


async def reached(reader: Reader, after: int, seconds: float) -> None:
    """Wait for what another process told of; Trouble if there is no such position, or nobody here can know."""
    if not await appears(reader, after, seconds):
        raise reader.not_visible(after)
    size = reader.head.size
    if after > size:
        detail = (
            f"the log holds {size} facts, and you have {after}: yours are of another log, or this one was restored "
            f"without its last facts; {_COMMON.format(half=size // 2)}"
        )
        raise Trouble(409, "beyond_the_head", detail, [Fault("after", f"is at most {size}")])


async def appears(reader: Reader, after: int, seconds: float) -> bool:
    """Wait so long for a position; False if nobody here can say whether there is one."""
    with reader.waiting():
        if not await reader.newest():
            return False
        return after <= reader.head.size or await reader.head.grow(after - 1, seconds) or await reader.newest()


async def check_history(reader: Reader, after: int, expected: str | None) -> None:
    """Trouble if the log of the size `after` is not the one that was expected."""
    if expected is None or expected == (root := await reader.root(after)):
        return
    detail = f"the log of the size {after} has the root {root}: another history than yours; "
    raise Trouble(409, "another_history", detail + _COMMON.format(half=after // 2), [Fault("expect", root)])
