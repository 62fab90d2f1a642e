"""A server between a follower and the record, which hands on what is asked and answered, or something else."""

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

import httpx
import msgspec

_HANDED_ON: Final = ("Content-Type", "Location", "Retry-After")


class Answered(msgspec.Struct):
    """An answer, to be handed on as it is or changed before."""

    path: str
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON values."""
        return msgspec.json.decode(self.body)

    def say(self, value: Any) -> None:
        """Another body."""
        self.body = msgspec.json.encode(value)


class Between:
    """Where it listens (`url`), what it hands on (`upstream`), and what it does to each answer (`mischief`)."""

    def __init__(self, upstream: str) -> None:
        self.upstream, self.url = upstream, ""
        self.mischief: Callable[[Answered], None] = lambda _: None
        self.asked: list[str] = []
        self.http = httpx.Client(timeout=30)

    def answer(self, path: str) -> Answered:
        self.asked.append(path)
        found = self.http.get(self.upstream + path)
        headers = {name: found.headers[name] for name in _HANDED_ON if name in found.headers}
        answered = Answered(path, found.status_code, headers, found.content)
        self.mischief(answered)
        return answered


@contextmanager
def between(upstream: str) -> Generator[Between]:
    one = Between(upstream.rstrip("/"))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            try:
                answered = one.answer(self.path)
            except httpx.TransportError:  # as if it were the server that is away
                self.close_connection = True
                return
            self.send_response(answered.status)
            for name, value in answered.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answered.body)))
            self.end_headers()
            self.wfile.write(answered.body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as the library names it
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    one.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield one
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        one.http.close()
