"""The publisher signs what was recorded within a second, never what does not go on from what it signed before."""

import asyncio
import os
import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest

from api.cli.continued import continue_log
from api.hosting.heads import FactsMissing
from api.hosting.keys import KeyUnusable, key_folder
from api.hosting.publishing import LOOKS, SIGNING, sign_first
from api.hosting.settings import Settings
from api.main import Service, service
from events import merkle
from events.checkpoint import Checkpoint, open_checkpoint
from events.evidence import parse_evidence
from events.note import SigningKey, VerifierKey, print_note
from events.notes import SigningRefused
from events.proof import parse_proof
from events.tiles import bundles_of, parse_bundle, parse_tile, tile_path, tiles_of
from tests.conftest import Site, ask, database_of, problem_of, serving, settings_for
from tests.integration.commands import planrecord

WITHIN = 2.0  # seconds: a second behind, and a busy machine
NAMED = "planrecord.test/shanghai/demo"


@pytest.fixture
async def empty(server: str, folder: Path) -> AsyncGenerator[Settings]:
    """A database without a log, and a folder without a key."""
    async with database_of(server, "template1") as dsn:
        yield settings_for(dsn, folder)


@asynccontextmanager
async def opened_site(settings: Settings) -> AsyncGenerator[Site]:
    async with service(settings) as running, serving(running) as site:
        yield site


async def signed(site: Site, size: int | None = None) -> Checkpoint:
    """The newest checkpoint, once it covers so many facts, or all there are."""
    wanted = site.running.reader.head.size if size is None else size
    async with asyncio.timeout(WITHIN):
        while (checkpoint := await newest(site)) is None or checkpoint.size < wanted:
            await asyncio.sleep(0.02)
    return checkpoint


async def newest(site: Site) -> Checkpoint | None:
    http = site.http
    key = VerifierKey.parse((await http.get("/log/key", follow_redirects=True)).text.strip())
    note = await http.get("/log/checkpoint", follow_redirects=True)
    if note.status_code == 404:
        assert problem_of(note, 404)["code"] == "not_yet"
        return None
    assert note.headers["Content-Type"] == "text/plain; charset=utf-8"
    return open_checkpoint(note.content, key)


async def log_of(site: Site) -> str:
    return (await site.http.get("/log/key")).headers["Location"].removesuffix("/key")


async def test_a_new_log_is_signed_from_its_first_fact_on(empty: Settings) -> None:
    async with opened_site(empty) as site:
        first = await signed(site, 0)
        assert (first.size, first.root, first.origin) == (0, merkle.EMPTY, f"{NAMED}/{first.log}")
        folder = key_folder(empty, first.log)
        assert (folder.path / "key").stat().st_mode & 0o777 == 0o600
        assert folder.path.stat().st_mode & 0o777 == 0o700
        await site.record({"type": "unit.register", "unit": "u", "name": "某委", "reason": "试"})
        later = await signed(site)
        assert later.root.hex() == site.running.reader.head.root
        ready = await site.get("/health/ready")
        assert (ready["signed"], ready["signingRefused"]) == (1, None)
        assert folder.signed() == later, "it stands outside the database before anybody sees it"


async def test_what_was_recorded_last_is_signed_before_the_server_ends_and_the_next_goes_on(empty: Settings) -> None:
    async with service(empty) as running:
        for number in range(3):
            await register(running, number)
    async with opened_site(empty) as site:
        log = (await signed(site, 0)).log
        assert (await signed(site, 0)).size == 3
        await register(site.running, 4)
        assert (await signed(site)).log == log


async def test_what_was_recorded_last_is_signed_though_the_end_comes_amid_a_signing(empty: Settings) -> None:
    async with service(empty) as running:
        await register(running, 1)
        while running.published.size != 1:
            await asyncio.sleep(0.02)
        blocking = await asyncpg.connect(running.dsn)
        await blocking.execute("BEGIN; LOCK TABLE notes")
        await register(running, 2)
        while not await ask(running.dsn, "SELECT 1 FROM pg_locks WHERE NOT granted"):
            await asyncio.sleep(0.02)
        task = asyncio.create_task(free_again(blocking))
    await task
    signed = key_folder(empty, running.reader.head.log).signed()
    assert signed
    assert signed.size == 2


async def free_again(blocking: Any) -> None:
    """Let it go on a moment later, when the end has begun."""
    await asyncio.sleep(0.3)
    await blocking.close()


async def register(running: Service, number: int) -> None:
    from domain.commands import AnyCommand

    command = {"type": "unit.register", "unit": f"unit-{number}", "name": f"第{number}委", "reason": "试"}
    await running.office.record([msgspec.convert(command, AnyCommand)])


async def test_notes_only_grow_each_goes_on_from_the_one_before_and_what_was_served_stays(empty: Settings) -> None:
    async with opened_site(empty) as site:
        log, before = await log_of(site), await signed(site, 0)
        await let_it_be(site, "12:00:00")
        after = before
        for number in range(6):
            await asyncio.gather(*(register(site.running, 100 * number + one) for one in range(number + 1)))
            after = await signed(site)
            proof = await site.get(f"{log}/consistency", **{"from": before.size, "to": after.size})
            assert (proof["fromRoot"], proof["toRoot"]) == (before.root.hex(), after.root.hex())
            hashes = [bytes.fromhex(one) for one in proof["hashes"]]
            merkle.check_consistency(before.size, before.root, after.size, after.root, hashes)
            before = after
        for change in (
            "INSERT INTO notes (log, size, note) SELECT log, size - 1, note FROM notes ORDER BY size DESC LIMIT 1",
            "UPDATE notes SET note = 'x'",
            "TRUNCATE notes",
            "WITH kept AS (UPDATE notes SET kept = true WHERE NOT kept RETURNING 1) SELECT * FROM kept",
            "DELETE FROM notes WHERE kept",
        ):
            if "kept = true" in change:  # as the publisher does once a minute ends
                await ask(site.running.dsn, change)
                continue
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await ask(site.running.dsn, change)
        kept = await site.http.get(f"{log}/checkpoint", params={"covers": 3})
        assert "immutable" in kept.headers["Cache-Control"]
        assert (
            open_checkpoint(kept.content, VerifierKey.parse((await site.http.get(f"{log}/key")).text.strip())) == after
        )


async def let_it_be(site: Site, moment: str) -> None:
    """Have what is signed from now on signed at this moment, so that no minute ends but when a test says so."""
    await ask(site.running.dsn, f"ALTER TABLE notes ALTER signed_at SET DEFAULT '2999-12-31T{moment}Z'")


async def test_the_last_note_of_a_minute_is_kept_for_ever(empty: Settings) -> None:
    async with opened_site(empty) as site:
        log = await log_of(site)
        given = dict[int, bytes]()
        for size, moment in enumerate(("12:00:00", "12:00:59.999999", "12:01:00", "12:01:30", "12:03:00"), 1):
            await let_it_be(site, moment)
            await register(site.running, size)
            assert (await signed(site)).size == size
            given[size] = (await site.http.get(f"{log}/checkpoint")).content
            not_yet = await site.http.get(f"{log}/checkpoint", params={"covers": size})
            assert problem_of(not_yet, 404)["code"] == "not_yet", "another of its minute may follow"
        found = await ask(site.running.dsn, "SELECT string_agg(size || ' ' || kept, ', ' ORDER BY size) FROM notes")
        assert found == "0 true, 2 true, 4 true, 5 false"
        for position, covering in ((1, 2), (2, 2), (3, 4), (4, 4)):
            answer = await site.http.get(f"{log}/checkpoint", params={"covers": position})
            assert answer.content == given[covering]


async def test_a_note_that_nothing_follows_is_kept_when_its_minute_has_ended(empty: Settings) -> None:
    async with opened_site(empty) as site:
        log = await log_of(site)
        await let_it_be(site, "12:00:00")
        await register(site.running, 1)
        await signed(site)
        await asyncio.sleep(LOOKS + 0.5)  # it looks again, and the minute lasts
        assert (await site.http.get(f"{log}/checkpoint", params={"covers": 1})).status_code == 404
        connection = await asyncpg.connect(site.running.dsn)
        await connection.execute(
            """ALTER TABLE notes DISABLE TRIGGER USER;
            UPDATE notes SET signed_at = clock_timestamp() - interval '1 minute' WHERE size = 1;
            ALTER TABLE notes ENABLE TRIGGER USER"""
        )
        await connection.close()
        async with asyncio.timeout(LOOKS + WITHIN):
            while (await site.http.get(f"{log}/checkpoint", params={"covers": 1})).status_code != 200:
                await asyncio.sleep(0.05)


async def test_every_tile_and_every_bundle_of_the_log_is_served_and_makes_its_root(shared: Site) -> None:
    log, size = await log_of(shared), shared.running.reader.head.size
    frontier, leaves = merkle.Frontier(), list[bytes]()
    for place in bundles_of(size):
        answer = await shared.http.get(f"{log}/{tile_path(place)}")
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/octet-stream")
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        leaves += parse_bundle(answer.content, place.width)
    frontier, nodes = merkle.extend(frontier, 0, leaves)
    assert merkle.root(frontier).hex() == shared.running.reader.head.root
    known = {(one.level, one.number): one.hash for one in nodes}
    for place in tiles_of(size):
        answer = await shared.http.get(f"{log}/{tile_path(place)}")
        assert parse_tile(answer.content, place.width) == [known[one] for one in place.nodes()]
        for width in {1, place.width // 2, place.width - 1} - {0}:  # as a smaller log had it
            partial = await shared.http.get(f"{log}/{tile_path(place._replace(width=width))}")
            assert partial.content == answer.content[: 32 * width]
    for position in (1, 17, 256, 257, size):
        leaf = await shared.http.get(f"/v1/events/{position}/leaf")
        assert leaf.content == leaves[position - 1]


async def test_what_is_no_part_of_the_log_is_told_so(shared: Site) -> None:
    log, size = await log_of(shared), shared.running.reader.head.size
    for path, code in {
        f"{log}/tile/0/{size // 256:03}": "not_found",
        f"{log}/tile/0/{size // 256:03}.p/{size % 256 + 1}": "not_found",
        f"{log}/tile/entries/x999/999": "not_found",
        f"{log}/tile/3/000.p/1": "not_found",
        f"{log}/tile/0/0": "unknown_address",
        f"{log}/tile/0/000.p/256": "unknown_address",
        f"{log}/tile/nonsense": "unknown_address",
        "/log/0000000000000000/checkpoint": "unknown_id",
        "/log/0000000000000000/tile/0/000": "unknown_id",
        f"/v1/events/{size + 1}/proof": "unknown_id",
        "/v1/events/0/leaf": "unknown_id",
    }.items():
        assert (await shared.problem(404, path))["code"] == code, path
    for path, parameter in {
        f"{log}/consistency?from=3&to=2": "from",
        f"{log}/consistency?from=3&to={size + 1}": "to",
        f"{log}/checkpoint?covers=-1": "covers",
        "/v1/evidence?of=https://elsewhere.example/v1/plans": "of",
        "/v1/evidence?of=/v1/evidence%3Fof=/v1/plans": "of",
        "/v1/evidence?of=/v1/%2565vidence%3Fof=/v1/plans": "of",
        "/v1/evidence?of=/v1/plans.ndjson": "of",
        "/v1/evidence?of=/v1/events%3FwaitSeconds=9": "of",
        "/v1/evidence?of=/v1/plans/shanghai-credit-2023/timemap": "of",
    }.items():
        assert (await shared.problem(400, path))["errors"][0]["pointer"] == parameter, path
    assert (await shared.problem(404, "/v1/evidence?of=/v1/units/nobody"))["code"] == "unknown_id"


async def test_a_fact_is_proved_to_be_in_the_log_in_both_forms(empty: Settings) -> None:
    async with opened_site(empty) as site:
        await asyncio.gather(*(register(site.running, one) for one in range(20)))
        last = site.running.reader.head.size
        key = VerifierKey.parse((await site.http.get("/log/key", follow_redirects=True)).text.strip())
        await signed(site)
        for position in (1, 7, last):
            text = await site.http.get(f"/v1/events/{position}/proof")
            assert text.headers["Content-Type"] == "text/plain; charset=utf-8"
            proof, leaf = parse_proof(text.content), (await site.http.get(f"/v1/events/{position}/leaf")).content
            assert proof.index == position - 1
            assert proof.check(leaf, key).size >= position
            json = (await site.http.get(f"/v1/events/{position}/proof", headers={"Accept": "application/json"})).json()
            assert [bytes.fromhex(one) for one in json["hashes"]] == list(proof.hashes)
            assert json["leafHash"] == merkle.leaf_hash(leaf).hex()
            assert json["checkpoint"].encode() == proof.note
        await register(site.running, 99)
        answer = await site.http.get(f"/v1/events/{last + 1}/proof")
        if answer.status_code != 200:  # no note covers it yet
            assert (problem_of(answer, 404)["code"], answer.headers["Retry-After"]) == ("not_yet", "1")
            await asyncio.sleep(1)
            answer = await site.http.get(f"/v1/events/{last + 1}/proof")
        assert answer.status_code == 200


async def test_an_answer_is_kept_with_what_proves_the_log_that_it_was_read_from(empty: Settings) -> None:
    async with opened_site(empty) as site:
        await asyncio.gather(*(register(site.running, one) for one in range(9)))
        await signed(site)
        key = VerifierKey.parse((await site.http.get("/log/key", follow_redirects=True)).text.strip())
        for address in ("/v1/units/unit-1?position=5&effectiveOn=2023-06-30", "/v1/units/unit-1", "/v1/events?limit=3"):
            given = await site.http.get("/v1/evidence", params={"of": address})
            assert given.headers["Content-Disposition"].endswith('.evidence"')
            kept = parse_evidence(given.content)
            assert kept.check(key).size >= kept.read_at().position
            again = await site.http.get(kept.of)
            assert again.text == kept.answer, "the address that it names is pinned, and answers the same"
        forged = msgspec.structs.replace(kept, answer=kept.answer.replace(kept.read_at().root.hex(), "0" * 64))
        with pytest.raises(merkle.NotProved):
            forged.check(key)


async def test_the_command_line_saves_an_answer(empty: Settings) -> None:
    async with opened_site(empty) as site:
        await register(site.running, 1)
        await signed(site)
        key = VerifierKey.parse((await site.http.get("/log/key", follow_redirects=True)).text.strip())
        base = str(site.http.base_url).rstrip("/")
        saved = await planrecord("save", f"{base}/v1/units/unit-1")
        assert (saved.code, parse_evidence(saved.out.encode()).check(key).size) == (0, 1), saved.err
        assert "read from the first 1 facts of a signed log" in saved.err
        for address, code, said in (
            (f"{base}/v1/units/nobody", 1, "there is no unit nobody"),
            (f"{base}/v1/units/unit-1/timemap", 1, "names no size of the log"),
            (f"{base}/units/unit-1", 2, "begins with http:// or https://, and goes on with /v1/"),
            ("http://127.0.0.1:9/v1/plans", 2, "cannot be asked"),
        ):
            finished = await planrecord("save", address)
            assert (finished.code, finished.out) == (code, "")
            assert said in finished.err


async def test_of_two_processes_one_signs_and_the_other_follows_when_it_has_gone(empty: Settings) -> None:
    async with opened_site(empty) as first, opened_site(empty) as second:
        await register(first.running, 1)
        await asyncio.gather(signed(first), signed(second, 1))
        assert [one.running.published.signs for one in (first, second)] == [True, False]
        async with asyncio.timeout(2 * LOOKS):
            while (await second.get("/health/ready"))["signed"] != 1:
                await asyncio.sleep(0.05)
        async with asyncio.timeout(8):
            await end_signing(first)
            while not second.running.published.signs:
                await asyncio.sleep(0.05)
        await register(second.running, 2)
        await signed(second)


async def end_signing(site: Site) -> None:
    """Let its publisher lose the lock, as if it had died."""
    connection = await asyncpg.connect(site.running.dsn)
    await connection.execute(
        """SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid::bigint = $1
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())""",
        SIGNING,
    )
    await connection.close()


async def test_a_key_without_a_note_signs_only_when_it_is_told_that_this_is_the_first(empty: Settings) -> None:
    async with service(empty) as running:
        await register(running, 1)
        log = running.reader.head.log
    key_folder(empty, log).note_file.unlink()
    async with opened_site(empty) as site:
        await register(site.running, 2)
        await asyncio.sleep(1)
        refused = (await site.get("/health/ready"))["signingRefused"]
        assert "planrecord publish --first" in refused
        assert (await signed(site, 0)).size == 1
    connection = await asyncpg.connect(empty.database_url)
    await sign_first(connection, empty)
    with pytest.raises(SigningRefused, match="was signed before, up to 2 facts"):
        await sign_first(connection, empty)
    await connection.close()
    async with opened_site(empty) as site:
        assert (await signed(site)).size == 2


async def test_a_key_that_others_can_read_or_that_is_anothers_does_not_sign(empty: Settings) -> None:
    async with service(empty) as running:
        log = running.reader.head.log
    key = key_folder(empty, log).path / "key"
    key.chmod(0o644)
    with pytest.raises(KeyUnusable, match="chmod 600"):
        key_folder(empty, log).key()
    key.chmod(0o600)
    another = SigningKey(f"{NAMED}/{log}", os.urandom(32))
    key.write_text(another.printed())
    async with opened_site(empty) as site:
        await register(site.running, 1)
        await asyncio.sleep(1)
        assert "and the one in" in (await site.get("/health/ready"))["signingRefused"]
        assert (await signed(site, 0)).size == 0
        assert "PRIVATE" not in (await site.get("/health/ready"))["signingRefused"]


async def test_a_log_that_was_rewritten_is_not_signed_and_its_operator_hears_why(empty: Settings) -> None:
    async with opened_site(empty) as site:
        await asyncio.gather(*(register(site.running, one) for one in range(5)))
        before = await signed(site)
        connection = await asyncpg.connect(site.running.dsn)
        await rewrite(connection)
        await connection.close()
        await register(site.running, 99)
        await asyncio.sleep(1.5)
        ready = await site.get("/health/ready")
        assert "are not those of which 5 were signed" in ready["signingRefused"]
        assert ready["signingLag"] > 0
        assert (await newest(site)) == before
    with pytest.raises(FactsMissing, match=r"others than .* says that 5 were"):
        async with service(empty):
            pass


async def rewrite(connection: Any) -> None:
    """Another office for the third fact, and all that is kept of the log made to agree."""
    for table in ("events", "tree_nodes", "log_head"):
        await connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    await connection.execute(
        """UPDATE events SET entry = convert_to(replace(convert_from(entry, 'UTF8'), 'shanghai', 'zhanghai'), 'UTF8')
           WHERE position = 3"""
    )
    entries = [row["entry"] for row in await connection.fetch("SELECT entry FROM events ORDER BY position")]
    frontier, nodes = merkle.extend((), 0, entries)
    await connection.execute("DELETE FROM tree_nodes")
    await connection.copy_records_to_table("tree_nodes", records=nodes, columns=merkle.TreeNode._fields)
    await connection.execute("UPDATE log_head SET frontier = $1", list(frontier))
    for table in ("events", "tree_nodes", "log_head"):
        await connection.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


async def test_a_log_that_lacks_what_was_signed_is_neither_appended_nor_signed_nor_served(
    server: str, folder: Path, empty: Settings
) -> None:
    async with service(empty) as running:
        await register(running, 1)
        log = running.reader.head.log
    source = (empty.database_url or "").partition("?")[0].rpartition("/")[2]
    async with database_of(server, source) as dsn:  # a copy of one fact
        async with service(empty) as running:
            await asyncio.gather(*(register(running, one) for one in (2, 3, 4)))
        restored = msgspec.structs.replace(settings_for(dsn, folder), publisher_dir=empty.data_dir / "publisher")
        with pytest.raises(FactsMissing, match=r"ends at 1 facts, and .*/note says that 4 were signed"):
            async with service(restored):
                pass
        assert await ask(dsn, "SELECT max(size) FROM notes") == 1
        said = await continue_log(restored)
        assert (said.previous_log, said.size) == (log, 1)
        async with opened_site(restored) as site:
            new = await signed(site)
            assert (new.size, new.log != log) == (2, True)
            assert (await site.problem(404, f"/log/{log}/checkpoint"))["code"] == "unknown_id"
            (fact,) = (await site.get("/v1/events", stream="log"))["items"]
            assert fact["data"]["previousLog"] == log
        old = key_folder(restored, log).signed()
        assert old
        assert old.size == 4, "what the former log had signed is kept"


async def test_a_log_from_before_there_were_keys_is_signed_once_it_is_said_to_be_the_first(empty: Settings) -> None:
    async with service(empty) as running:
        await register(running, 1)
        log = running.reader.head.log
    shutil.rmtree(key_folder(empty, log).path)
    for sql in ("ALTER TABLE notes DISABLE TRIGGER USER", "DELETE FROM notes", "DELETE FROM log_keys"):
        await ask(empty.database_url or "", sql)
    await ask(empty.database_url or "", "ALTER TABLE notes ENABLE TRIGGER USER")
    async with opened_site(empty) as site:
        for path in (f"/log/{log}/checkpoint", f"/log/{log}/key", "/v1/events/1/proof"):
            assert (await site.problem(404, path))["code"] == "not_signed"
        saved = parse_evidence((await site.http.get("/v1/evidence", params={"of": "/v1/units/unit-1"})).content)
        assert saved.note is None
        ready = await site.get("/health/ready")
        assert (ready["signed"], ready["signingRefused"]) == (None, None)
    connection = await asyncpg.connect(empty.database_url)
    key = await sign_first(connection, empty)
    await connection.close()
    async with opened_site(empty) as site:
        assert (await signed(site)).origin == key.name


async def test_a_note_that_was_kept_and_not_published_is_published_by_the_next(empty: Settings) -> None:
    async with service(empty) as running:
        await register(running, 1)
        folder = key_folder(empty, running.reader.head.log)
    note = folder.note()
    await ask(empty.database_url or "", "DELETE FROM notes WHERE NOT kept")  # killed between the two
    async with opened_site(empty) as site:
        assert (await signed(site)).size == 1
        assert (await site.http.get("/log/checkpoint", follow_redirects=True)).content == note


async def test_a_note_of_somebody_elses_in_the_database_stops_the_signing(empty: Settings) -> None:
    async with opened_site(empty) as site:
        await register(site.running, 1)
        checkpoint = await signed(site)
        forged = print_note(SigningKey(checkpoint.origin, bytes(32)).sign(f"{checkpoint.origin}\n9\n{'A' * 43}=\n"))
        connection = await asyncpg.connect(site.running.dsn)
        await connection.execute("INSERT INTO notes (log, size, note) VALUES ($1, 9, $2)", checkpoint.log, forged)
        await connection.close()
        await register(site.running, 2)
        await asyncio.sleep(1.5)
        assert "a note that should be the log's own is not" in (await site.get("/health/ready"))["signingRefused"]
