"""What an auditor or a follower installs: the base requirements and nothing of a server. Both work with that alone."""

import asyncio
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from api.main import service
from domain.bundled import bundled_plan
from tests.conftest import Site, database_of, settings_for
from tests.copies import unlike
from tests.integration.commands import PROJECT, environment
from tests.published import KEY, publish
from tests.signing import signed_once, signed_site
from tests.unit.test_auditing import ENTRIES

SERVER = ("sqlalchemy", "asyncpg", "litestar", "strawberry", "granian", "alembic", "jinja2", "pypinyin")


def needed() -> set[str]:
    """The distributions that the base requirements bring, themselves included."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]
    waiting, found = list(project["dependencies"]), set[str]()
    while waiting:
        one = Requirement(waiting.pop())
        name = one.name.lower()
        if name in found or (one.marker and not one.marker.evaluate({"extra": ""})):
            continue
        found.add(name)
        waiting += metadata.requires(name) or []
    return found


def installed(name: str) -> Iterator[tuple[Path, str]]:
    """The files of a distribution, each with its place in site-packages."""
    for file in metadata.files(name) or ():
        if ".." not in file.parts and file.suffix != ".pyc":
            yield Path(str(file.locate())), str(file)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment that has the base requirements alone, and planrecord's own packages."""
    place = tmp_path_factory.mktemp("base")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(place)], check=True)  # noqa: S603
    (packages,) = (place / "lib").glob("python*/site-packages")
    for name in needed():
        for source, target in installed(name):
            (packages / target).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, packages / target)
    for one in ("api", "domain", "events", "projections"):
        shutil.copytree(PROJECT / one, packages / one, ignore=shutil.ignore_patterns("assets", "__pycache__"))
    return place / "bin" / "python"


async def run(python: Path, *arguments: str, **settings: str) -> tuple[int, str, str]:
    given = {name: value for name, value in environment(**settings).items() if not name.startswith("PYTHON")}
    process = await asyncio.create_subprocess_exec(
        *(str(python), *arguments), cwd="/", env=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def test_the_server_is_not_there(base: Path) -> None:
    for name in SERVER:
        code, _, err = await run(base, "-c", f"import {name}")
        assert (code, "ModuleNotFoundError" in err) == (1, True), name


async def test_a_folder_is_audited_with_the_base_requirements_alone(base: Path, tmp_path: Path) -> None:
    publish(tmp_path / "log", ENTRIES)
    state: dict[str, Any] = {"XDG_STATE_HOME": str(tmp_path / "state")}
    code, out, err = await run(base, "-m", "api", "audit", str(tmp_path / "log"), "--key", str(KEY.public), **state)
    assert (code, err) == (0, ""), err
    assert f"{len(ENTRIES)} facts, root" in out
    assert "texts not examined" in out


async def test_a_server_is_audited_with_the_base_requirements_alone(
    base: Path, server: str, folder: Path, tmp_path: Path
) -> None:
    options = "--trust-first", "--compare", "8", "--seed", "3", "--texts", "--out", str(tmp_path / "state.json")
    async with database_of(server, "template1") as dsn:
        async with service(settings_for(dsn, folder)) as running:
            await running.office.record([bundled_plan()])
        async with signed_site(settings_for(dsn, folder)) as site:
            asked = str(site.http.base_url), *options, "--effective-on", "2023-06-30"
            code, out, err = await run(base, "-m", "api", "audit", *asked, XDG_STATE_HOME=str(tmp_path / "state"))
    assert (code, err) == (0, ""), err
    assert "8 questions asked (--seed 3): 0 differences" in out
    assert f"{tmp_path / 'state.json'}: the state of " in out


async def test_a_server_is_followed_with_the_base_requirements_alone(base: Path, shared: Site, tmp_path: Path) -> None:
    await signed_once(shared)
    asked = str(shared.http.base_url), "--into", str(tmp_path / "copy.db"), "--once"
    code, out, err = await run(base, "-m", "api", "follow", *asked)
    assert (code, err.startswith("signed by the key with the fingerprint ")) == (0, True), err
    assert "holds the whole log of" in out
    assert not await unlike(shared.http, tmp_path / "copy.db")
