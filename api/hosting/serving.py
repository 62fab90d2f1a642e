"""The one way in which an application is served: on a socket that nobody shares, by granian, within bounds."""

import logging
import resource
import socket
import sys
from functools import cache
from pathlib import Path
from typing import Any, Final

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.net import SocketHolder  # pyright: ignore[reportPrivateImportUsage] - where granian's own server has it
from granian.server.embed import Server

BACKLOG: Final = 1_024  # connections that wait until they are taken
CONNECTIONS: Final = 10_000  # that are held at once: a slow one costs about 30 KB and delays nobody
UNSENT: Final = 131_072  # bytes that the system takes for a client that takes none; what is under way is not counted
UNTAKEN: Final = 30_000  # milliseconds after which the system drops a client that takes nothing of what it was sent
HEAD_PATIENCE: Final = 10_000  # milliseconds in which the head of a request must have come
LARGEST_HEAD: Final = 65_536  # bytes of it
OWN_FILES: Final = 200  # the database's connections, the log's, modules on their way in
SOMAXCONN: Final = Path("/proc/sys/net/core/somaxconn")  # Linux
LAST_ANSWERS: Final = 5.0  # seconds in which requests that are under way may end; one that never ends must not hold us

log = logging.getLogger("planrecord")


class AddressTaken(Exception):
    """The address cannot be had; the message says why and what helps."""


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens at the address (port 0: at any that is free), and no other does; else AddressTaken.

    Who connects before the application is served waits for it.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        taken = socket.socket(family, kind, protocol)
    except OSError as error:
        raise AddressTaken(f"cannot serve on {address_named(host, port)}: {error.strerror}") from error
    try:
        # Only to bind over connections that are dying. SO_REUSEPORT, which granian would set, lets a second server
        # share the port; and two may bind as long as neither listens, so this listens at once.
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT)  # each connection has it from here
        if sys.platform == "linux":
            taken.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNTAKEN)
        taken.bind(address)
        taken.listen(BACKLOG)
    except OSError as error:
        taken.close()
        what = f"cannot serve on {address_named(host, port)}: {error.strerror}"
        raise AddressTaken(f"{what}; choose another with --port") from error
    return taken


def address_named(host: str, port: int) -> str:
    """The address as it stands in a URL."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def base_at(host: str, taken: socket.socket) -> str:
    """The URL of the socket; for one that listens at every address that of this machine to itself."""
    named = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - said, not bound
    return f"http://{address_named(named, taken.getsockname()[1])}"


def server_of(application: Any, taken: socket.socket) -> Server:
    """The server of an ASGI application at `listening`'s socket, which is the server's from now on."""
    allow_many_files()
    server = _Server(
        application,
        interface=Interfaces.ASGI,
        log_enabled=False,
        websockets=True,
        http=HTTPModes.http1,
        backlog=BACKLOG,
        backpressure=CONNECTIONS,  # granian's own is its backlog: so many slow connections would stop the service
        http1_settings=HTTP1Settings(header_read_timeout=HEAD_PATIENCE, max_buffer_size=LARGEST_HEAD),
    )
    server.take(taken)
    setattr(server, "workers_kill_timeout", LAST_ANSWERS)  # noqa: B010 - its type is declared too narrow
    return server


class _Server(Server):
    """granian, at a socket that was bound before."""

    def take(self, taken: socket.socket) -> None:
        """Own the socket: it is closed with the server."""
        self.taken = taken

    def _init_shared_socket(self) -> None:
        make: Any = SocketHolder  # of this its stubs say nothing
        self._shd = make(self.taken.detach(), False, self.backlog)  # noqa: FBT003 - granian's own order
        self._sfd = self._shd.get_fd()


@cache  # whoever says it and whoever serves ask alike: it is done, and warned of, once
def allow_many_files() -> int:
    """How many connections can be held at once: each is an open file, and the usual limit of 1,024 is raised.

    A warning where the system allows fewer than CONNECTIONS, or lets fewer wait to be taken than BACKLOG.
    """
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    files = CONNECTIONS + OWN_FILES if most == resource.RLIM_INFINITY else most
    held = max(0, min(CONNECTIONS, files - OWN_FILES))
    if held < CONNECTIONS:
        log.warning("the system allows %d open files, so %d connections at once: raise ulimit -n for more", most, held)
    if SOMAXCONN.exists() and (waiting := int(SOMAXCONN.read_text())) < BACKLOG:
        log.warning("the system lets %d connections wait to be taken, not %d: net.core.somaxconn", waiting, BACKLOG)
    return held
