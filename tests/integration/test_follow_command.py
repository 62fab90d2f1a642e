"""`planrecord follow` and what is in its way: origins that were set back, files of somebody else, signals."""

import asyncio
import re
import shutil
import signal
import sqlite3
import sys
from asyncio.subprocess import PIPE
from contextlib import closing
from pathlib import Path

import pytest

from api.auditing.verdicts import CannotLook, Contradicted
from api.cli.continued import continue_log
from api.hosting.heads import last_known
from tests.between import Answered, between
from tests.conftest import Site, copied, database_of, settings_for
from tests.copies import kept, read, unlike
from tests.followers import Following
from tests.integration.commands import PROJECT, environment, planrecord
from tests.integration.test_follow import PLAN, SIZE, followed_site, reworded, url
from tests.published import KEY
from tests.signing import signed_once, signed_site

site = followed_site


async def test_an_origin_that_was_set_back_is_told_of_at_the_first_resume(
    server: str, folder: Path, tmp_path: Path
) -> None:
    """With both identities and both notes; and again when it has gone on by itself, or under a new identity."""
    one = Following("", tmp_path / "copy.db")
    async with copied(server, folder) as ahead, copied(server, folder) as back:
        await signed_once(ahead)
        with between(url(ahead)) as middle:
            one.url = middle.url
            await reworded(ahead, "另写")
            await signed_once(ahead)
            await one.caught_up()
            before = kept(one.order.into, "tasks")
            ((note, name),) = read(one.order.into, "SELECT note, origin || '/' || log FROM follow")
            middle.upstream = url(back)
            for count, words in enumerate(("you have 353", "another history", "another history")):
                with pytest.raises(Contradicted, match=words) as found:
                    await one.caught_up()
                with pytest.raises(Contradicted, match=words):  # which is kept once
                    await one.caught_up()
                said = str(found.value)
                assert f"kept: {SIZE + 1} facts of {name}, root " in said
                assert f"served: {SIZE + count} facts of {name}, root " in said
                assert found.value.notes[0] == note.encode()
                assert len(found.value.notes) == 2
                await reworded(back, f"别写{count}")
                await signed_once(back)
            assert kept(one.order.into, "tasks") == before
            assert read(one.order.into, "SELECT count(*) FROM contradictions") == [(3,)]


async def test_an_origin_that_was_emptied_is_told_of(server: str, folder: Path, tmp_path: Path) -> None:
    one = Following("", tmp_path / "copy.db")
    async with copied(server, folder) as full, copied(server, folder, "fresh") as empty:
        await signed_once(full)
        with between(url(full)) as middle:
            one.url = middle.url
            await one.caught_up()
            middle.upstream = url(empty)
            with pytest.raises(Contradicted, match=r"served: nothing \(.*the record is empty"):
                await one.caught_up()
    assert read(one.order.into, "SELECT count(*) FROM events") == [(SIZE,)]


async def acknowledged(site: Site, log: str) -> None:
    """Wait until it stands outside the database how far the log had come, which is a moment after the answer."""
    async with asyncio.timeout(10):
        while (kept := last_known(site.running.settings.data_dir, log)) is None or kept.size <= SIZE:
            await asyncio.sleep(0.02)


async def test_an_origin_that_goes_on_as_a_new_log_is_told_of(server: str, folder: Path, tmp_path: Path) -> None:
    one = Following("", tmp_path / "copy.db")
    async with copied(server, folder) as ahead, database_of(server, "imported") as dsn:
        await signed_once(ahead)
        with between(url(ahead)) as middle:
            one.url = middle.url
            await reworded(ahead, "另写")
            await signed_once(ahead)
            await one.caught_up()
            ((log,),) = read(one.order.into, "SELECT log FROM follow")
            settings = settings_for(dsn, folder)
            await acknowledged(ahead, log)
            shutil.copytree(ahead.running.settings.data_dir, settings.data_dir)
            shutil.rmtree(settings.data_dir / "publisher")
            await continue_log(settings)
            async with signed_site(settings) as new:
                assert new.running.reader.head.log != log
                middle.upstream = url(new)
                with pytest.raises(Contradicted) as found:
                    await one.caught_up()
    assert f"kept: {SIZE + 1} facts of planrecord.test/shanghai/demo/{log}, root " in str(found.value)
    served = f"served: {SIZE + 1} facts of planrecord.test/shanghai/demo/{new.running.reader.head.log}, root "
    assert served in str(found.value)


async def test_a_file_that_is_not_what_is_asked_for_is_left_as_it_is(site: Site, tmp_path: Path) -> None:
    good, text, other, empty, begun = (tmp_path / f"{name}.db" for name in ("good", "text", "other", "empty", "begun"))
    await Following(url(site), good).caught_up()
    text.write_text("no database\n" * 100)
    empty.touch()
    with closing(sqlite3.connect(other)) as database:
        database.execute("CREATE TABLE mine (one)")
    refused = {
        "is no SQLite file": Following(url(site), text),
        "holds something else": Following(url(site), other),
        "follows the whole log, and you ask for plan": Following(url(site), good, {"plan": PLAN}),
        "follows http://127.0.0.1": Following(url(site).replace("127.0.0.1", "localhost"), good),
        "and you give another": Following(url(site), good, key=KEY.public),
        "cannot be used": Following(url(site), tmp_path),
        "there is no plan nowhere": Following(url(site), tmp_path / "none.db", {"plan": "nowhere"}),
    }
    for words, one in refused.items():
        before = one.order.into.read_bytes() if one.order.into.is_file() else None
        with pytest.raises(CannotLook, match=words):
            await one.caught_up()
        assert (one.order.into.read_bytes() if one.order.into.is_file() else None) == before
    moved = Following(url(site).replace("127.0.0.1", "localhost"), good)
    moved.order = moved.order._replace(moved=True)
    assert (await moved.caught_up()).position == SIZE
    assert read(good, "SELECT url FROM follow") == [(moved.url,)]
    with closing(sqlite3.connect(begun)) as database:
        database.execute("PRAGMA journal_mode = WAL")  # and then it was killed
    for one in (empty, begun):
        assert (await Following(url(site), one).caught_up()).position == SIZE


async def test_two_followers_do_not_share_a_file_and_readers_do(site: Site, tmp_path: Path) -> None:
    one = Following(url(site), tmp_path / "copy.db")
    await one.caught_up()
    process = await started(site, one.order.into)
    assert process.stdout
    async with asyncio.timeout(30):
        while b"following on" not in await process.stdout.readline():
            pass
    with pytest.raises(CannotLook, match="is in use"):
        await one.caught_up()
    await reworded(site, "另写")
    async with asyncio.timeout(30):
        assert await process.stdout.readline() == f"position {SIZE + 1}: 1 fact more, 1 row changed\n".encode()
    assert not await unlike(site.http, one.order.into)
    process.send_signal(signal.SIGINT)
    async with asyncio.timeout(5):
        _, complaint = await process.communicate()
    assert process.returncode == 130
    assert complaint.decode() == f"stopped; what was taken over is kept in {one.order.into}\n"
    assert (await one.caught_up()).facts == 0


async def started(site: Site, into: Path, *options: str) -> asyncio.subprocess.Process:
    """A follower in a process of its own, begun as a shell begins what it leaves in the background."""
    arguments = sys.executable, "-m", "api", "follow", url(site), "--into", str(into), *options
    background = "sh", "-c", 'trap \'\' INT; exec "$0" "$@"'
    return await asyncio.create_subprocess_exec(
        *background, *arguments, cwd=PROJECT, env=environment(), stdout=PIPE, stderr=PIPE
    )


async def test_the_command_says_what_it_did_by_words_and_exit_code(site: Site, tmp_path: Path) -> None:
    into = tmp_path / "copy.db"
    first = await planrecord("follow", url(site), "--into", str(into), "--once")
    assert (first.code, first.err[:42]) == (0, "signed by the key with the fingerprint " + first.err[39:42])
    ((root,),) = read(into, "SELECT root FROM follow")
    assert f"up to position {SIZE} ({SIZE} more), root {root}\n" in first.out
    assert "its tables show 2023-04-03; every fact is under a signed root\n" in first.out
    again = await planrecord("follow", url(site), "--into", str(into), "--once")
    assert (again.code, again.err) == (0, "")
    assert "(0 more)" in again.out
    other = await planrecord("follow", url(site), "--into", str(into), "--once", "--plan", PLAN)
    assert (other.code, other.out) == (2, "")
    assert "and you ask for plan" in other.err
    with between(url(site)) as middle:
        shown = tmp_path / "shown.db"
        await asyncio.to_thread(Following(middle.url, shown).once)

        def unsigned(answered: Answered) -> None:
            if answered.path.endswith("/checkpoint"):
                answered.body = answered.body.rpartition("\u2014".encode())[0] + b"\n"

        middle.mischief = unsigned
        found = await planrecord("follow", middle.url, "--into", str(shown), "--once")
        assert found.code == 1
        assert f"kept, with the notes, in the table contradictions of {shown}" in found.err
        assert f"\n{SIZE}\n" in found.err


LIMITED = """
import resource, sys
from api.__main__ import main

resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
main(["follow", sys.argv[1], "--into", sys.argv[2], "--once"])
"""


async def test_a_disk_without_room_loses_nothing(site: Site, tmp_path: Path) -> None:
    into = tmp_path / "copy.db"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", LIMITED, url(site), str(into)),
        cwd=PROJECT,
        env=environment(PYTHONPATH=str(PROJECT)),
        stdout=PIPE,
        stderr=PIPE,
    )
    async with asyncio.timeout(30):
        _, complaint = await process.communicate()
    assert (process.returncode, "what was taken over before is kept" in complaint.decode()) == (2, True), complaint
    assert b"Traceback" not in complaint
    assert read(into, "SELECT position FROM follow") == [(0,)]
    assert (await Following(url(site), into).caught_up()).position == SIZE
    assert not await unlike(site.http, into)


async def test_a_clock_that_is_days_off_is_told_of(real: Site, tmp_path: Path) -> None:
    await signed_once(real)
    with between(url(real)) as middle:
        one = Following(middle.url, tmp_path / "copy.db")
        await one.caught_up()
        assert not [told for told in one.told if "WARNING" in told]
        assert not await unlike(real.http, one.order.into)

        def ahead(answered: Answered) -> None:
            answered.body = re.sub(
                rb'"effectiveOn":"[0-9-]*","self"', b'"effectiveOn":"2999-01-01","self"', answered.body
            )

        middle.mischief = ahead
        await one.caught_up()
        assert "by the record's clock it is 2999-01-01 in Shanghai" in one.told[-1]
