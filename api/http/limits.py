"""How much work one client may cause in a minute, in milliseconds (draft-ietf-httpapi-ratelimit-headers-10).

Work is what `events.work` counts, in this process. What is used up comes back steadily, so that an account is empty
again, and forgotten, after a minute at most for each quota that was used: what is kept is as little as what was done.
"""

import asyncio
import math
from time import perf_counter
from typing import Final

from api.http.forwarded import Peers
from api.http.front import Front, Header, Message, Receive, Scope, Send
from api.services.phrases import Sentence
from api.services.problems import Trouble
from events.work import counted, current_errand

QUOTA_SECONDS: Final = 60.0  # seconds
EXPECTED: Final = 0.1  # seconds that a request counts for until its answer begins, beside what is done already
MOST_ACCOUNTS: Final = 10_000  # about 3 MB; whoever comes beyond them shares one account
SLOWED: Final = 10.0  # seconds at most that each part of a long answer waits, once its client has used up the quota
SWEPT_EVERY: Final = 1.0  # seconds at least between two looks through all accounts
_BEGINS: Final = frozenset({"http.response.start", "websocket.accept", "websocket.http.response.start"})


class ClientAccount:
    """What a client has used of its quota, in seconds of work.

    Of its requests so many are `expected` to need more, as no answer has begun, and so many are not at their `ends`.
    """

    __slots__ = ("_at", "_policy", "_used", "ends", "expected", "quota")

    def __init__(self, quota: float, now: float) -> None:
        self.quota = quota
        self.expected = 0
        self.ends = 0
        self._used = 0.0
        self._at = now
        self._policy = b"ratelimit-policy", b'"work";q=%d;w=%d' % (round(quota * 1_000), QUOTA_SECONDS)

    def used(self, now: float) -> float:
        """Seconds that have not come back yet."""
        used = self._used - (now - self._at) * self.quota / QUOTA_SECONDS
        return used if used > 0 else 0.0

    def add(self, seconds: float, now: float) -> None:
        """Count work that has been done."""
        self._used, self._at = self.used(now) + seconds, now

    def left(self, now: float) -> float:
        """Seconds of the quota that are neither used nor expected to be."""
        return self.quota - self.used(now) - self.expected * EXPECTED

    def late(self, now: float) -> float:
        """Seconds until something of the quota is left, if nothing is."""
        return max(0.0, -self.left(now) * QUOTA_SECONDS / self.quota)

    def headers(self, now: float) -> tuple[Header, Header]:
        """The quota (`q` milliseconds in `w` seconds), what is left of it, and in how many seconds it is whole."""
        used = self.used(now)
        left = int((self.quota - used - self.expected * EXPECTED) * 1_000)
        whole = math.ceil(used * QUOTA_SECONDS / self.quota)
        return self._policy, (b"ratelimit", b'"work";r=%d;t=%d' % (max(0, left), whole))

    def refusal(self, now: float) -> Trouble | None:
        """Why nothing more is done for now, if so."""
        if self.left(now) > 0:
            return None
        seconds = max(1, math.ceil(self.late(now)))
        detail = Sentence("detail.too_much_work", quota=f"{self.quota * 1_000:,.0f}", seconds=seconds)
        refused = Trouble(429, "too_much_work", detail)
        said = {name.decode(): value.decode() for name, value in self.headers(now)}
        refused.headers = {"Retry-After": str(seconds), **said}
        return refused


class CountedRequest:
    """One request of a client's, or one operation over its websocket, whose work counts as the account's."""

    def __init__(self, account: ClientAccount) -> None:
        self.account = account
        self.add = account.add
        self._expects = False
        account.ends += 1
        self.expect(more=True)

    def expect(self, *, more: bool) -> None:
        """Whether more work is expected, which counts before it is done."""
        if more != self._expects:
            self.account.expected += 1 if more else -1
            self._expects = more

    def end(self) -> None:
        """It is over. Until then its account is not forgotten, however long nothing is done."""
        self.expect(more=False)
        self.account.ends -= 1


def another_request() -> CountedRequest | None:
    """One more request of whoever asks, Trouble if that is too much; None where nothing is counted."""
    errand = current_errand()
    if not isinstance(errand, CountedRequest):
        return None
    if refused := errand.account.refusal(perf_counter()):
        raise refused
    return CountedRequest(errand.account)


class Accounts:
    """The accounts of those who have used something up, bounded in number: none is given up before it is empty."""

    def __init__(self, quota: float) -> None:
        self._quota = quota
        self._accounts: dict[int, ClientAccount] = {}
        self._others = ClientAccount(quota, perf_counter())
        self._swept = 0.0

    def __len__(self) -> int:
        return len(self._accounts)

    def of(self, client: int, now: float) -> ClientAccount:
        """The account of a client, which is that of all others where there are too many."""
        found = self._accounts.get(client)
        if found is None:
            if len(self._accounts) >= MOST_ACCOUNTS or now - self._swept > QUOTA_SECONDS:
                self._sweep(now)
            if len(self._accounts) >= MOST_ACCOUNTS:
                return self._others
            found = self._accounts[client] = ClientAccount(self._quota, now)
        return found

    def _sweep(self, now: float) -> None:
        """Forget whoever owes nothing; a look through all of them takes a millisecond."""
        if now - self._swept >= SWEPT_EVERY:
            self._swept = now
            self._accounts = {name: one for name, one in self._accounts.items() if one.ends or one.used(now)}


class Limited:
    """An ASGI application that counts the work of the one behind it, and does none for who has used up the quota.

    A long answer that has begun goes on, slowly. `peers` knows who asks. Over a websocket each operation is looked at
    by itself (`api/graphql/sockets.py`).
    """

    def __init__(self, front: Front, quota: float, peers: Peers) -> None:
        self.accounts = Accounts(quota)
        self._front = front
        self._peers = peers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Have it answered, or refuse it before anything is read or done."""
        client = self._peers.client(scope)
        if client is None:
            await self._front(scope, receive, send)
            return
        now = perf_counter()
        account = self.accounts.of(client, now)
        if refused := account.refusal(now):
            await self._front.refuse(scope, refused, send)
            return
        request = CountedRequest(account)

        async def told(message: Message) -> None:
            if message["type"] in _BEGINS:
                request.expect(more=False)
                headers = [*message.get("headers", ()), *account.headers(perf_counter())]
                message = {**message, "headers": headers}
            elif message.get("more_body") and (late := account.late(perf_counter())):
                await asyncio.sleep(min(late, SLOWED))
            await send(message)

        try:
            await counted(self._front(scope, receive, told), request)
        finally:
            request.end()
