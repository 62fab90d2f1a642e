"""The load generator: wrk on a core of its own, and single questions for checking what will be timed."""

import asyncio
import http.client
import json
import os
import shutil
import subprocess
from asyncio.subprocess import PIPE
from datetime import date
from pathlib import Path

import msgspec

from tests.benchmarks.moments import filled

HERE = Path(__file__).parent
HOP_BY_HOP = {"date", "server", "connection", "keep-alive", "transfer-encoding"}


class Wrong(Exception):
    """What was to be measured does not do what it should; a figure would mean nothing."""


class Nothing(Wrong):
    """Nobody was answered within the time."""


class Question(msgspec.Struct, frozen=True):
    """What is asked; `path` and `body` may hold {position} and {on}."""

    path: str
    body: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    status: int = 200


class Answer(msgspec.Struct, frozen=True):
    """What was answered, without the headers that belong to the connection."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


class Run(msgspec.Struct, frozen=True):
    """What wrk counted; `refused` are answers of 400 and more."""

    requests: int
    microseconds: int
    bytes: int
    p50: int
    p99: int
    errors: int
    refused: int

    @property
    def rate(self) -> float:
        """Answers per second."""
        return self.requests / self.microseconds * 1e6


def ensure_wrk() -> None:
    """Have wrk; Wrong says how to get it."""
    if shutil.which("wrk") is None and os.geteuid() == 0 and shutil.which("apt-get"):
        for command in (["apt-get", "update", "-qq"], ["apt-get", "install", "-qq", "-y", "wrk"]):
            subprocess.run(command, check=False, stdout=subprocess.DEVNULL)  # noqa: S603
    if shutil.which("wrk") is None:
        raise Wrong("the benchmarks need the load generator wrk: install Debian's package of that name")


def ask(port: int, question: Question, moment: tuple[int, date] | None = None) -> Answer:
    """One answer."""
    path, body = question.path, question.body
    if moment:
        path, body = (filled(text, moment) for text in (path, body))
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("POST" if body else "GET", path, body.encode() or None, dict(question.headers))
        found = connection.getresponse()
        kept = [(name, value) for name, value in found.getheaders() if name.lower() not in HOP_BY_HOP]
        answer = Answer(found.status, kept, found.read())
    finally:
        connection.close()
    if answer.status != question.status:
        raise Wrong(f"{path} answered {answer.status}, not {question.status}: {answer.body[:500].decode()}")
    return answer


class Load(msgspec.Struct, frozen=True):
    """How hard, for how long, and from which core."""

    seconds: int
    connections: int
    core: int

    async def run(self, port: int, question: Question, walk: list[str], smallest: int) -> Run:
        """Ask for some seconds, `walk` telling load.lua which moments; Wrong unless each answer is what it should be.

        No answer is smaller than the smallest of those that were checked before.
        """
        headers = [part for name, value in question.headers for part in ("-H", f"{name}: {value}")]
        command = [
            "taskset",
            "-c",
            str(self.core),
            "wrk",
            "-t1",
            f"-c{self.connections}",
            f"-d{self.seconds}s",
            "--timeout",
            "30s",
        ]
        asked = ["POST", question.path] if question.body else ["GET", question.path]
        rest = ["-s", str(HERE / "load.lua"), f"http://127.0.0.1:{port}", "--", *asked, question.body, *walk]
        process = await asyncio.create_subprocess_exec(*command, *headers, *rest, stdout=PIPE, stderr=PIPE)
        out, err = await process.communicate()
        if process.returncode != 0:
            raise Wrong(f"wrk ended with {process.returncode}: {out.decode()}{err.decode()}")
        return checked(msgspec.convert(json.loads(out.splitlines()[-1]), Run), question, smallest)


def checked(run: Run, question: Question, smallest: int) -> Run:
    """The run, if each of its answers was one of those that were checked before."""
    if not (run.errors or run.refused or run.requests):
        raise Nothing(f"{question.path}: nobody was answered within {run.microseconds / 1e6:.0f} s")
    if run.errors or run.refused:
        raise Wrong(f"{question.path}: of {run.requests} answers {run.refused} were refused, {run.errors} failed")
    each = run.bytes / run.requests
    if each < smallest or (question.status == 304 and each > 1_000):  # a 304 has headers alone
        raise Wrong(f"{question.path}: {each:.0f} bytes an answer are not what was checked before")
    return run
