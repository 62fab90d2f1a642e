"""Who asks: the address that is connected or, where that is a proxy which is trusted, the one that it names.

A proxy writes behind what it was sent, so X-Forwarded-For and Forwarded (RFC 7239) are read from the right, up to the
first address that is no trusted proxy's: what stands left of it, anybody may have written.
"""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, Final

from api.hosting.settings import Network

IpAddress = IPv4Address | IPv6Address
MOST_HOPS: Final = 20  # that are read, from the right
LONGEST_KEPT: Final = 200  # bytes of what was read before, and is not read again
_NODE: Final = re.compile(r'(?:^|;)\s*for\s*=\s*"?([^";]+)"?\s*(?:;|$)', re.IGNORECASE)


class Peers:
    """Who is behind a connection; `trusted`: the networks of the proxies that are believed."""

    def __init__(self, trusted: tuple[Network, ...]) -> None:
        self._trusted = trusted
        self._direct = lru_cache(4_096)(self._read)
        self._named = lru_cache(4_096)(self._behind)

    def client(self, scope: Mapping[str, Any]) -> int | None:
        """Whose work it is, as a number; None for this very machine. An IPv6 client has a /64 to itself."""
        peer = scope.get("client")
        if not peer:
            return None
        address, name, trusted = self._direct(peer[0])
        if not trusted or address is None:
            return name
        plain, formal = _lines(scope["headers"], b"x-forwarded-for"), _lines(scope["headers"], b"forwarded")
        if not (plain or formal):
            return name
        read = self._named if len(plain) + len(formal) < LONGEST_KEPT else self._behind
        return read(address, plain, formal)

    def _read(self, text: str) -> tuple[IpAddress | None, int | None, bool]:
        """An address that is connected, its name, which this machine has none of, and whether it is trusted."""
        address = _address(text)
        if address is None:
            return None, 0, False
        return address, None if address.is_loopback else _name(address), self._trusts(address)

    def _trusts(self, address: IpAddress) -> bool:
        return any(address in one for one in self._trusted)

    def _behind(self, peer: IpAddress, plain: bytes, formal: bytes) -> int:
        """Whom a trusted proxy names; itself where what it sends says two things.

        Of both headers a proxy writes one, and may hand the other on as it came.
        """
        hops = _from_the_right(plain), [_node(one) for one in _from_the_right(formal)]
        found = {self._first(peer, one) for one in hops if one}
        return _name(found.pop() if len(found) == 1 else peer)

    def _first(self, peer: IpAddress, hops: Iterable[str]) -> IpAddress:
        """The first of the hops that is not trusted, or the last that can be read."""
        found = peer
        for hop in hops:
            address = _address(hop)
            if address is None:
                break
            found = address
            if not self._trusts(address):
                break
        return found


def _lines(headers: Iterable[tuple[bytes, bytes]], wanted: bytes) -> bytes:
    return b",".join([value for name, value in headers if name == wanted])


def _from_the_right(value: bytes) -> list[str]:
    return value.decode("latin-1").rsplit(",", MOST_HOPS)[: -MOST_HOPS - 1 : -1] if value else []


def _node(element: str) -> str:
    found = _NODE.search(element)
    return found[1] if found else ""


def _address(text: str) -> IpAddress | None:
    """An address, perhaps in brackets or with a port; one of IPv4 that is written as IPv6 is that of IPv4."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text)
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found


def _name(address: IpAddress) -> int:
    """A number for a client: what an IPv4 address is, or the first half of one of IPv6, which are larger."""
    return int(address) if isinstance(address, IPv4Address) else 1 << 64 | int(address) >> 64
