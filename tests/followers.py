"""A follower in this process, beside the server that it follows."""

import asyncio
from collections.abc import Callable, Generator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from api.auditing.sources import Server
from api.following.feed import LogFeed
from api.following.follower import Caught, Follower, FollowOrder
from api.following.part import FollowedPart
from api.following.running import Patience, catch_up
from events.note import VerifierKey


@contextmanager
def unwatched(_: str, __: int) -> Generator[Any]:
    yield done_nothing


def done_nothing(_: int) -> None:
    """Nobody watches."""


class Following:
    """What a user would ask for, and what he was told."""

    def __init__(
        self, url: str, into: Path, filters: Mapping[str, str] | None = None, key: VerifierKey | None = None
    ) -> None:
        self.url, self.order = url.rstrip("/"), FollowOrder(into, FollowedPart({**(filters or {})}), key)
        self.told: list[str] = []
        self.paused: list[float] = []
        self.tries = 1
        self.say: Callable[[str], None] = self.told.append

    def once(self) -> Caught:
        """Catch up; CannotLook, Contradicted."""
        patience = Patience(self.tries, self.say, self.paused.append)
        with (
            closing(LogFeed(Server(self.url))) as feed,
            closing(Follower(feed, self.order, self.told.append)) as follower,
        ):
            return catch_up(follower, patience, unwatched)

    async def caught_up(self) -> Caught:
        """The same beside the server's own loop."""
        return await asyncio.to_thread(self.once)
