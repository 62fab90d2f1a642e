"""What Dockerfile and docker-compose.yml say, carried out without an engine in a folder of its own.

Not a container: the machine's own Python stands for the image's, folders below a temporary one for `/opt`, `/data` and
the rest, PostgreSQL from the wheel for the image's. But the commands, the order, the environment and the health checks
are the files' very own.
"""

import asyncio
import json
import os
import re
import shlex
import shutil
import signal
import socket
import sys
import tempfile
from asyncio.subprocess import Process
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import yaml

from api.postgres.account import ENVIRONMENT, Account
from api.postgres.home import find_home

PROJECT = Path(__file__).resolve().parents[1]
SERVICES: dict[str, Any] = yaml.safe_load((PROJECT / "docker-compose.yml").read_text())["services"]
IN_IMAGE = re.compile(r"(?<![\w./])/(?=(?:src|wheels|opt|data)\b)")
NEEDS_ROOT = ("useradd", "install --directory")  # they would change this machine


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Image:
    """A folder that stands for the image's root, and what to write for the image's names and ports."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.port, self.database_port = free_port(), free_port()

    def here(self, text: str) -> str:
        """Put this machine's folders and ports for the image's."""
        text = IN_IMAGE.sub(f"{self.root}/", text)
        text = re.sub(r"\b8000\b", str(self.port), text).replace("@db:5432", f"@127.0.0.1:{self.database_port}")
        return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)

    def environment(self, named: dict[str, str]) -> dict[str, str]:
        """Nothing but what the file names, and a home of its own."""
        kept = {"PATH": f"{self.root}/bin:/usr/bin:/bin", "HOME": str(self.root / "home"), "LANG": "C.UTF-8"}
        return kept | {name: self.here(value) for name, value in named.items()}

    async def run(self, command: Sequence[str], named: dict[str, str], place: Path | None = None) -> Process:
        """Start a command in that environment."""
        place = place or self.root / "data"
        return await asyncio.create_subprocess_exec(*command, cwd=place, env=self.environment(named))


async def build(image: Image) -> None:
    """Carry out the Dockerfile, line by line."""
    for folder in ("bin", "home", "data", "src"):
        (image.root / folder).mkdir()
    (image.root / "bin" / "python").symlink_to(shutil.which("python3") or sys.executable)
    (image.root / "bin" / "pip").write_text('#!/bin/sh\nexec python -m pip "$@"\n')
    (image.root / "bin" / "pip").chmod(0o755)
    # Where packages come from is the machine's affair.
    settings = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_"))}
    place = image.root
    for line in (PROJECT / "Dockerfile").read_text().splitlines():
        name, _, rest = line.partition(" ")
        if name == "WORKDIR":
            place = Path(image.here(rest))
        elif name == "COPY" and "--from" not in rest:
            copy(shlex.split(rest), place)
        elif name == "RUN" and not rest.startswith(NEEDS_ROOT):
            print(line, flush=True)
            process = await image.run(("sh", "-c", image.here(rest)), settings, place)
            if await process.wait():
                raise SystemExit(f"failed: {line}")


def copy(names: list[str], place: Path) -> None:
    """COPY, for files into the working folder and for a folder under its own name."""
    *sources, target = names
    for source in sources:
        if (PROJECT / source).is_dir():
            shutil.copytree(PROJECT / source, place / target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(PROJECT / source, place / target)


@asynccontextmanager
async def database(image: Image) -> AsyncGenerator[None]:
    """A server as the image's own entry point would make it: these arguments, this user, this password."""
    named = {name: image.here(value) for name, value in SERVICES["db"]["environment"].items()}
    home = await find_home(image.root / "db")
    own(image.root / "db", home.account)
    password = image.root / "db" / "password"
    password.write_text(named["POSTGRES_PASSWORD"])
    data, user = str(image.root / "db" / "pg"), named["POSTGRES_USER"]
    made = ("-D", data, "-U", user, f"--pwfile={password}", "-A", "scram-sha-256")
    await done(home.command("initdb", *made, *shlex.split(named["POSTGRES_INITDB_ARGS"]), "--no-instructions"))
    listen = ("-c", "listen_addresses=127.0.0.1", "-c", f"port={image.database_port}", "-k", "")
    server = await asyncio.create_subprocess_exec(
        *home.command("postgres", "-D", data, *listen), cwd="/", env=ENVIRONMENT, start_new_session=True
    )
    try:
        path = {"PATH": f"{home.binaries.folder}:/usr/bin:/bin", "PGPORT": str(image.database_port)}
        await healthy("db", path)
        secret = path | {"PGHOST": "127.0.0.1", "PGUSER": user, "PGPASSWORD": named["POSTGRES_PASSWORD"]}
        await done(("createdb", named["POSTGRES_DB"]), secret)
        yield
    finally:
        server.send_signal(signal.SIGINT)
        await server.wait()


def own(folder: Path, account: Account) -> None:
    """Give the database's folder to the user that runs it, and let him through to it."""
    folder.mkdir(exist_ok=True)
    os.chown(folder, account.uid, account.gid)


async def done(command: Sequence[str], environment: dict[str, str] = ENVIRONMENT) -> None:
    """Run to the end, well."""
    process = await asyncio.create_subprocess_exec(
        *command, cwd="/", env=environment, stdout=asyncio.subprocess.DEVNULL
    )
    if await process.wait():
        raise SystemExit(f"failed: {shlex.join(command)}")


async def healthy(service: str, environment: dict[str, str], image: Image | None = None) -> None:
    """Ask the service's own health check until it agrees."""
    check = SERVICES[service]["healthcheck"]
    command = [image.here(part) if image else part for part in check["test"][1:]]
    for _ in range(int(check["start_period"].removesuffix("s")) * 5):
        process = await asyncio.create_subprocess_exec(
            *command, env=environment, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
        )
        if await process.wait() == 0:
            print(f"{service}: healthy", flush=True)
            return
        await asyncio.sleep(0.2)
    raise SystemExit(f"{service} did not become healthy: {shlex.join(command)}")


async def serve(image: Image) -> None:
    """Run the container's command until it is healthy, then stop it as an engine does."""
    (command,) = re.findall(r"^CMD (.*)$", (PROJECT / "Dockerfile").read_text(), re.MULTILINE)
    named = SERVICES["api"]["environment"]
    process = await image.run([image.here(part) for part in json.loads(command)], named)
    try:
        await healthy("api", image.environment(named), image)
    finally:
        process.send_signal(signal.SIGTERM)
        patience = int(SERVICES["api"]["stop_grace_period"].removesuffix("s"))
        print("api: ended with", await asyncio.wait_for(process.wait(), patience))


async def main() -> None:
    """Build, start, ask, stop."""
    with tempfile.TemporaryDirectory(prefix="planrecord-image-") as name:
        Path(name).chmod(0o755)
        image = Image(Path(name))
        (image.root / "db").mkdir()
        await build(image)
        async with database(image):
            await serve(image)


asyncio.run(main())
