# ruff: noqa: INP001  # a script, not a package
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
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import yaml

from api.postgres.account import ENVIRONMENT
from api.postgres.home import Home, find_home

PROJECT = Path(__file__).resolve().parents[1]
SERVICES: dict[str, Any] = yaml.safe_load((PROJECT / "docker-compose.yml").read_text())["services"]
IN_IMAGE = re.compile(r"(?<![\w./])/(?=(?:src|wheels|opt|data)\b)")
MACHINE = ("PIP_", "SSL_", "NPM_CONFIG_", "npm_config_", "NODE_EXTRA_CA_CERTS")
NEEDS_ROOT = ("useradd", "install --directory")  # they would change this machine


def say(line: str) -> None:
    """Tell how far it has come."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def free_port() -> int:
    """Ask the kernel for a port that nobody listens on."""
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
        """Nothing but what is named, and a home of its own."""
        kept = {"PATH": f"{self.root}/bin:/usr/bin:/bin", "HOME": str(self.root / "home"), "LANG": "C.UTF-8"}
        return kept | named


async def build(image: Image) -> None:
    """Carry out the Dockerfile, line by line."""
    for folder in ("bin", "home", "data", "db", "src"):
        (image.root / folder).mkdir()
    (image.root / "bin" / "python").symlink_to(shutil.which("python3") or sys.executable)
    (image.root / "bin" / "pip").write_text('#!/bin/sh\nexec python -m pip "$@"\n')
    (image.root / "bin" / "pip").chmod(0o755)
    # Where packages come from is the machine's affair.
    settings = {name: value for name, value in os.environ.items() if name.startswith(MACHINE)}
    settings.setdefault("NPM_CONFIG_USERCONFIG", str(Path.home() / ".npmrc"))
    environment = image.environment(settings | {"PIP_QUIET": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"})
    place = image.root
    for line in (PROJECT / "Dockerfile").read_text().splitlines():
        name, _, rest = line.partition(" ")
        if name == "WORKDIR":
            place = Path(image.here(rest))
        elif name == "COPY" and "--from" not in rest:
            copy(shlex.split(rest), place)
        elif name == "RUN" and not rest.startswith(NEEDS_ROOT):
            say(line)
            await done(("sh", "-c", image.here(rest)), environment, place)


def copy(names: list[str], place: Path) -> None:
    """COPY, for files into a folder and for a folder under its own name, without what .dockerignore leaves out."""
    *sources, target = names
    if target.endswith("/"):
        (place / target).mkdir(exist_ok=True)
    for source in sources:
        if (PROJECT / source).is_dir():
            shutil.copytree(PROJECT / source, place / target, ignore=shutil.ignore_patterns("__pycache__", "files"))
        else:
            shutil.copy(PROJECT / source, place / target)


@asynccontextmanager
async def database(image: Image) -> AsyncGenerator[None]:
    """Make a server as the image's own entry point would: these arguments, this user, this password."""
    named = {name: image.here(value) for name, value in SERVICES["db"]["environment"].items()}
    home = await database_home(image.root / "db")
    password = image.root / "db" / "password"
    password.write_text(named["POSTGRES_PASSWORD"])
    data, user = str(image.root / "db" / "pg"), named["POSTGRES_USER"]
    made = ("-D", data, "-U", user, f"--pwfile={password}", "-A", "scram-sha-256")
    await done(home.command("initdb", *made, *shlex.split(named["POSTGRES_INITDB_ARGS"]), "--no-instructions"))
    listen = ("-c", "listen_addresses=127.0.0.1", "-c", f"port={image.database_port}", "-k", "")
    server = await asyncio.create_subprocess_exec(
        *home.command("postgres", "-D", data, *listen), cwd="/", env=ENVIRONMENT, stderr=DEVNULL, start_new_session=True
    )
    try:
        path = {"PATH": f"{home.binaries.folder}:/usr/bin:/bin", "PGPORT": str(image.database_port)}
        await healthy("db", server, path, image)
        secret = path | {"PGHOST": "127.0.0.1", "PGUSER": user, "PGPASSWORD": named["POSTGRES_PASSWORD"]}
        await done(("createdb", named["POSTGRES_DB"]), secret)
        yield
    finally:
        server.send_signal(signal.SIGINT)
        await server.wait()


async def database_home(folder: Path) -> Home:
    """Give the database's folder to the user that runs it."""
    home = await find_home(folder)
    os.chown(folder, home.account.uid, home.account.gid)
    return home


async def done(command: Sequence[str], environment: dict[str, str] = ENVIRONMENT, place: Path = Path("/")) -> None:
    """Run to the end, well."""
    process = await asyncio.create_subprocess_exec(*command, cwd=place, env=environment, stdout=DEVNULL)
    if await process.wait():
        raise SystemExit(f"failed: {shlex.join(command)}")


async def healthy(service: str, server: Process, environment: dict[str, str], image: Image) -> None:
    """Ask the service's own health check until it agrees."""
    check = SERVICES[service]["healthcheck"]
    command = [image.here(part) for part in check["test"][1:]]
    for _ in range(seconds(check["start_period"]) * 5):
        asked = await asyncio.create_subprocess_exec(*command, env=environment, stdout=DEVNULL, stderr=DEVNULL)
        if await asked.wait() == 0:
            return say(f"{service}: healthy")
        if server.returncode is not None:
            break
        await asyncio.sleep(0.2)
    raise SystemExit(f"{service} did not become healthy: {shlex.join(command)}")


def seconds(duration: str) -> int:
    """Compose's `30s` as a number."""
    return int(duration.removesuffix("s"))


async def serve(image: Image) -> None:
    """Run the container's command until it is healthy, then stop it as an engine does."""
    service = SERVICES["api"]
    environment = image.environment({name: image.here(value) for name, value in service["environment"].items()})
    command = [image.here(part) for part in json.loads(last_command())]
    process = await asyncio.create_subprocess_exec(*command, cwd=image.root / "data", env=environment, stdin=DEVNULL)
    try:
        await healthy("api", process, environment, image)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        status = await asyncio.wait_for(process.wait(), seconds(service["stop_grace_period"]))
    if status not in {0, 128 + signal.SIGTERM, -signal.SIGTERM}:
        raise SystemExit(f"api: ended with {status} when it was told to stop")
    say("api: stopped when it was told to")


def last_command() -> str:
    """CMD, in its exec form."""
    (found,) = re.findall(r"^CMD (.*)$", (PROJECT / "Dockerfile").read_text(), re.MULTILINE)
    return found


async def main(root: Path) -> None:
    """Build, start, ask, stop."""
    image = Image(root)
    await build(image)
    async with database(image):
        await serve(image)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="planrecord-image-") as name:
        Path(name).chmod(0o755)  # the database's user passes through
        asyncio.run(main(Path(name)))
