"""Where a log's files are read from: a folder, or a server, of which nothing is believed and little is waited for."""

import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol
from urllib.parse import urljoin, urlsplit

import httpx

from api.auditing.verdicts import Away, CannotLook
from events.note import MAX_NOTE
from events.tiles import WIDTH

LARGEST_BUNDLE: Final = WIDTH * (65_535 + 2)  # bytes
LARGEST_TILE: Final = WIDTH * 32
LARGEST_PAGE: Final = 64 << 20  # bytes of an answer of the API
MAX_KEY: Final = 4_096
CONNECT: Final = 10.0  # seconds
SILENCE: Final = 30.0  # seconds without a byte
_LONGEST: Final = 120.0  # seconds for one file, however slowly it drips
REDIRECTS: Final = 3
GOOD: Final = 200


class Reply(NamedTuple):
    """What a server answers, whatever it is; `retry_after` is in seconds, 0 where it says none."""

    status: int
    body: bytes
    retry_after: float


class LogSource(Protocol):
    """Where the files of `/log/{log}/…` are read from."""

    name: str

    def note(self) -> bytes:
        """The newest note; CannotLook."""
        ...

    def covering(self, size: int) -> bytes | None:
        """A kept note of at least this size, if there is one."""
        ...

    def file(self, path: str, most: int) -> bytes:
        """One of the log's files, of at most so many bytes; CannotLook."""
        ...


class Folder:
    """The files as `audit URL --keep FOLDER`, or any other fetcher, left them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name = str(folder)

    def close(self) -> None:
        """There is nothing to close."""

    def note(self) -> bytes:
        """The file `checkpoint`."""
        return self.file("checkpoint", MAX_NOTE)

    def covering(self, size: int) -> bytes | None:  # noqa: ARG002 - a folder has one note
        """A folder has one note."""
        return None

    def file(self, path: str, most: int) -> bytes:
        """The bytes of a file below the folder."""
        try:
            with (self.folder / path).open("rb") as file:
                found = file.read(most + 1)
        except OSError as error:
            raise CannotLook(f"{self.folder / path} cannot be read: {error.strerror}") from error
        if len(found) > most:
            raise CannotLook(f"{self.folder / path} has more than the {most} bytes that such a file can have")
        return found


class Server:
    """A server, asked over HTTP. Its redirects are followed on its own origin alone."""

    def __init__(self, url: str, agent: str = "planrecord-audit") -> None:
        self.name = url.rstrip("/")
        if urlsplit(self.name).scheme not in {"http", "https"} or not urlsplit(self.name).hostname:
            raise CannotLook(f"{url} is no address of a server")
        self.log: str | None = None  # as its redirect names it
        self._http = httpx.Client(
            timeout=httpx.Timeout(SILENCE, connect=CONNECT),
            headers={"Accept-Encoding": "identity", "User-Agent": agent},
            limits=httpx.Limits(max_connections=8),
        )

    def close(self) -> None:
        """Hang up."""
        self._http.close()

    def note(self) -> bytes:
        """What `/log/checkpoint` leads to; from then on the log's own address is known."""
        found, address = self._followed(f"{self.name}/log/checkpoint", MAX_NOTE)
        *_, log, _ = urlsplit(address).path.split("/")
        self.log = log
        return found

    def covering(self, size: int) -> bytes | None:
        """`checkpoint?covers=`, or None where no note covers so much."""
        try:
            return self.file(f"checkpoint?covers={size}", MAX_NOTE)
        except CannotLook:
            return None

    def file(self, path: str, most: int) -> bytes:
        """One of the log's files."""
        return self._followed(f"{self.name}/log/{self.log}/{path}", most)[0]

    def ask(self, path: str) -> tuple[int, bytes]:
        """Status and body of an answer of the API, whatever it is."""
        return self.reply(path)[:2]

    def reply(self, path: str, most: int = LARGEST_PAGE) -> Reply:
        """An answer of at most so many bytes; Away where there is none, CannotLook where it is too long."""
        with self._answer(self.name + path) as answer:
            after = answer.headers.get("Retry-After", "")
            return Reply(answer.status_code, self._read(answer, most), float(after) if after.isdecimal() else 0.0)

    def _followed(self, address: str, most: int) -> tuple[bytes, str]:
        """The body of a good answer and the address that gave it."""
        for _ in range(REDIRECTS + 1):
            with self._answer(address) as answer:
                if answer.status_code == GOOD:
                    return self._read(answer, most), address
                if not answer.is_redirect:
                    raise CannotLook(f"{address} answers {answer.status_code}")
                address = self._led_to(address, answer.headers.get("Location", ""))
        raise CannotLook(f"{self.name} leads from one address to another without end")

    def _led_to(self, address: str, location: str) -> str:
        target = urljoin(address, location)
        if urlsplit(target)[:2] != urlsplit(self.name)[:2]:
            raise CannotLook(f"{address} leads to {target[:200]}, which is somebody else's: nothing was asked there")
        return target

    @contextmanager
    def _answer(self, address: str) -> Generator[httpx.Response]:
        try:
            with self._http.stream("GET", address) as answer:
                yield answer
        except httpx.InvalidURL as error:
            raise CannotLook(f"{address} cannot be reached: {error}") from error
        except httpx.HTTPError as error:
            raise Away(f"{address} cannot be reached: {error or type(error).__name__}") from error

    @staticmethod
    def _read(answer: httpx.Response, most: int) -> bytes:
        """The body, while it is not too long and does not drip for ever."""
        end, found, size = time.monotonic() + _LONGEST, list[bytes](), 0
        for piece in answer.iter_raw():
            found.append(piece)
            size += len(piece)
            if size > most:
                raise CannotLook(f"{answer.url} answers more than the {most} bytes that such an answer can have")
            if time.monotonic() > end:
                raise Away(f"{answer.url} has not answered in full within {_LONGEST:.0f} s")
        return b"".join(found)


def source_of(given: str) -> Any:
    """A server by its address, or else a folder; CannotLook."""
    if "://" in given:
        return Server(given)
    folder = Path(given)
    if not folder.is_dir():
        raise CannotLook(f"{given} is neither a folder nor an address such as https://record.example")
    return Folder(folder)
