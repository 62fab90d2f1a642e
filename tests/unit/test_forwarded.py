"""Who asks is who is connected or, behind a proxy that is trusted, whom it names: nobody names himself."""

import pytest

from api.hosting.settings import networks_of
from api.http.forwarded import Peers

PROXIES = Peers(networks_of("127.0.0.0/8, 10.0.0.0/8,fd00::/8"))
CLIENT = "203.0.113.7"


def named(peer: str, *headers: tuple[bytes, bytes], peers: Peers = PROXIES) -> int | None:
    return peers.client({"client": (peer, 1), "headers": [(b"host", b"example.org"), *headers]})


def said(*values: str) -> list[tuple[bytes, bytes]]:
    return [(b"x-forwarded-for", one.encode()) for one in values]


def formally(*values: str) -> list[tuple[bytes, bytes]]:
    return [(b"forwarded", one.encode()) for one in values]


THE_CLIENT = named(CLIENT)


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"])
def test_this_very_machine_is_nobody(peer: str) -> None:
    assert named(peer) is None
    assert named(peer, *said(CLIENT), peers=Peers(())) is None


def test_whoever_is_no_trusted_proxy_speaks_for_himself() -> None:
    assert named(CLIENT, *said("1.1.1.1")) == named(CLIENT, *formally("for=1.1.1.1")) == THE_CLIENT is not None


@pytest.mark.parametrize("peer", ["10.1.1.1", "127.0.0.1", "::ffff:10.1.1.1", "fd00::1"])
@pytest.mark.parametrize(
    "headers",
    [
        said(CLIENT),
        said(f"1.1.1.1, {CLIENT}"),
        said("1.1.1.1", CLIENT),
        said(f"{CLIENT}, 10.2.2.2, 10.3.3.3"),
        said(f"127.0.0.1, {CLIENT}"),
        said(f"nonsense,,{CLIENT}"),
        said(f"{CLIENT}:4711"),
        said(f"::ffff:{CLIENT}"),
        said(", ".join(["1.1.1.1"] * 10_000 + [CLIENT])),
        formally(f"for={CLIENT}"),
        formally(f"for=1.1.1.1;proto=http, For={CLIENT};by=10.0.0.1"),
        formally(f'proto=https;for="{CLIENT}:80"', "for=10.2.2.2"),
        [*said(CLIENT), *formally(f"for={CLIENT}")],
    ],
)
def test_a_trusted_proxy_names_the_first_from_the_right_whom_nobody_trusts(
    peer: str, headers: list[tuple[bytes, bytes]]
) -> None:
    assert named(peer, *headers) == THE_CLIENT


@pytest.mark.parametrize(
    "headers",
    [
        said("nonsense"),
        said(f"{CLIENT}, unknown"),
        said(""),
        formally("for=_hidden"),
        formally(f"by={CLIENT}"),
        [*said("1.1.1.1"), *formally(f"for={CLIENT}")],  # one of the two, the proxy has not written
    ],
)
def test_what_cannot_be_read_or_says_two_things_is_the_proxys_own(headers: list[tuple[bytes, bytes]]) -> None:
    assert named("10.1.1.1", *headers) == named("10.1.1.1")


def test_behind_a_proxy_nobody_is_this_machine() -> None:
    assert named("127.0.0.1", *said("127.0.0.1")) is not None
    assert named("127.0.0.1", *said("nonsense")) is not None


def test_an_ipv6_client_has_its_64_bits_to_itself() -> None:
    here = named("2001:db8:1:2:3:4:5:6")
    assert here == named("2001:db8:1:2::1") == named("10.0.0.1", *formally('for="[2001:db8:1:2::9]:443"'))
    assert here != named("2001:db8:1:3::1")
    assert named("0.0.0.1") != named("0:0:0:1::")


def test_a_setting_names_networks() -> None:
    assert networks_of(None) == networks_of(" ") == ()
    with pytest.raises(ValueError, match=r"settings: trusted_proxies: give networks as 10\.0\.0\.0/8,fd00::/8"):
        networks_of("10.0.0.0/8,here")
