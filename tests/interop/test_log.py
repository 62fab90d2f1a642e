"""The signed log, verified by those who have not read our code: Go's note and tlog packages, and aics-tlog."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncGenerator
from pathlib import Path

import msgspec
import pytest

from api.main import service
from domain.commands import AnyCommand
from tests.conftest import Site, database_of, serving, settings_for

GO_CODE = Path("/usr/share/gocode")  # where Debian's golang-golang-x-mod-dev puts its source
AICS = "aics-tlog==0.2.1"
NEWER = ("3.12", "3.13", "3.14")
NO_GO = "Go and its packages are not here: apt-get install golang-go golang-golang-x-mod-dev"


@pytest.fixture
async def signed(server: str, folder: Path) -> AsyncGenerator[Site]:
    """A log of a few facts, which is signed."""
    async with (
        database_of(server, "template1") as dsn,
        service(settings_for(dsn, folder)) as running,
        serving(running) as site,
    ):
        yield site


async def register(site: Site, *numbers: int) -> None:
    for number in numbers:
        command = {"type": "unit.register", "unit": f"unit-{number}", "name": f"第{number}委", "reason": "试"}
        await site.running.office.record([msgspec.convert(command, AnyCommand)])


async def note_of(site: Site, size: int) -> bytes:
    async with asyncio.timeout(5):
        while True:
            answer = await site.http.get("/log/checkpoint", follow_redirects=True)
            if answer.status_code == 200 and int(answer.text.split("\n")[1]) == size:
                return answer.content
            await asyncio.sleep(0.05)


async def kept(site: Site, into: Path) -> None:
    """What the program reads, as it is served."""
    await register(site, *range(5))
    (into / "earlier").write_bytes(await note_of(site, 5))
    await register(site, *range(5, 23))
    (into / "later").write_bytes(await note_of(site, 23))
    log = (await site.http.get("/log/key")).headers["Location"].removesuffix("/key")
    for name, path in {
        "key": f"{log}/key",
        "leaf": "/v1/events/7/leaf",
        "proof": "/v1/events/7/proof",
        "consistency": f"{log}/consistency?from=5&to=23",
    }.items():
        answer = await site.http.get(path, headers={"Accept": "application/json"})
        assert answer.status_code == 200, answer.text
        (into / name).write_bytes(answer.content)


async def verified(program: Path, into: Path) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(program, into, stdout=-1, stderr=-1)
    out, err = await process.communicate()
    return process.returncode or 0, (out + err).decode()


@pytest.mark.skipif(not (shutil.which("go") and GO_CODE.is_dir()), reason=NO_GO)
async def test_go_verifies_note_inclusion_and_consistency(signed: Site, tmp_path: Path) -> None:
    environment = os.environ | {"GO111MODULE": "off", "GOPATH": str(GO_CODE), "GOCACHE": str(tmp_path / "cache")}
    program = tmp_path / "log"
    build = ("build", "-o", str(program), str(Path(__file__).with_name("log.go")))
    process = await asyncio.create_subprocess_exec("go", *build, env=environment)
    assert await process.wait() == 0
    served = tmp_path / "served"
    served.mkdir()
    await kept(signed, served)
    assert await verified(program, served) == (0, "leaf 6 is in the log of 23, which goes on from 5\n")
    for name in ("key", "earlier", "later", "leaf", "proof", "consistency"):
        file = served / name
        right = file.read_bytes()
        at = right.index(b"hashes") + 12 if b"hashes" in right else len(right) // 2
        file.write_bytes(right[:at] + bytes([right[at] ^ 1]) + right[at + 1 :])
        code, said = await verified(program, served)
        assert code == 1, f"{name} was spoilt, and {said}"
        file.write_bytes(right)


@pytest.fixture(scope="module")
def aics() -> Path:
    """The program of aics-tlog, in an environment of its own."""
    python = next(filter(None, map(interpreter, NEWER)), None)
    if python is None:
        pytest.skip(f"aics-tlog wants Python {', '.join(NEWER)}, and none is here")
    environment = Path("build/aics-tlog").absolute()
    if not (environment / "bin" / "aics-tlog").exists():
        done([python, "-m", "venv", "--without-pip", str(environment)])
        done(["sh", ".ci/pip", str(environment), "install", "-qq", AICS])
    return environment / "bin" / "aics-tlog"


def interpreter(version: str) -> str | None:
    """The path of a Python of that version, also of one that pyenv would not choose by itself."""
    found = subprocess.run(  # noqa: S603 - our own words
        [shutil.which(f"python{version}") or "false", "-c", "import sys, venv; print(sys.executable)"],
        env=os.environ | {"PYENV_VERSION": version},
        check=False,
        capture_output=True,
        text=True,
    )
    return found.stdout.strip() or None


def done(words: list[str]) -> None:
    subprocess.run(words, check=True)  # noqa: S603 - our own words


async def test_aics_tlog_verifies_from_the_tiles_that_are_served(signed: Site, aics: Path, tmp_path: Path) -> None:
    await kept(signed, tmp_path)
    base = str(signed.http.base_url).rstrip("/")
    log = (await signed.http.get("/log/key")).headers["Location"].removesuffix("/key")
    key = ("--log-key", (tmp_path / "key").read_text().strip(), "--tiles", f"{base}{log}")

    async def asked(*words: str) -> tuple[int, str]:
        process = await asyncio.create_subprocess_exec(aics, *words, *key, stdout=-1, stderr=-1)
        out, err = await process.communicate()
        return process.returncode or 0, (out + err).decode()

    assert (await asked("verify-checkpoint"))[0] == 0
    right = await asked("verify-inclusion", "--index", "6", "--leaf", str(tmp_path / "leaf"))
    assert right[0] == 0, right[1]
    assert (await asked("verify-inclusion", "--index", "7", "--leaf", str(tmp_path / "leaf")))[0] != 0
    later = await asked("verify-consistency", "--old-checkpoint", str(tmp_path / "earlier"))
    assert later[0] == 0, later[1]
