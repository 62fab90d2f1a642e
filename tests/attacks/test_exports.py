"""Files that are taken home: cut off and resumed, asked for in vain, in too many ways, and by too many at once."""

import asyncio
import hashlib
import io
import os
import signal
from asyncio.subprocess import PIPE
from base64 import b64decode
from collections.abc import AsyncGenerator
from contextlib import nullcontext
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx
import openpyxl
import pytest
from msgspec import Raw, structs
from msgspec.json import encode

from api.exports import exporting, workshop
from api.exports.files import ExportFiles
from api.exports.items import ExportItem
from api.exports.orders import Declined, Filed, Order
from api.exports.tables import Unfit, writing
from api.hosting.beside import module_command
from api.http.formats import ExportForm
from api.main import service
from events.database import connect
from projections.as_of import Moment
from tests.conftest import PLAN, TASK, Site, database_of, problem_of, serving, settings_for
from tests.integration.commands import environment

TASKS = "/v1/export/tasks.csv"
REWORD = {"type": "task.reword", "task": TASK, "reason": "试"}


def digest_told(response: httpx.Response) -> bytes:
    return b64decode(response.headers["Repr-Digest"].removeprefix("sha-256=:").removesuffix(":"))


def folder_of(site: Site) -> Path:
    return site.running.exporting.files.folder


async def test_a_cut_download_goes_on_to_the_same_digest(shared: Site) -> None:
    whole = await shared.http.get(TASKS)
    assert whole.headers["Accept-Ranges"] == "bytes"
    assert hashlib.sha256(whole.content).digest() == digest_told(whole)
    taken = whole.content[:1_000]
    while len(taken) < len(whole.content):
        asked = {"Range": f"bytes={len(taken)}-{len(taken) + 9_999}", "If-Range": whole.headers["ETag"]}
        part = await shared.http.get(TASKS, headers=asked)
        assert part.status_code == 206
        assert part.headers["Content-Range"].startswith(f"bytes {len(taken)}-")
        assert int(part.headers["Content-Length"]) == len(part.content)
        assert digest_told(part) == digest_told(whole)
        taken += part.content
    assert taken == whole.content


@pytest.mark.parametrize(
    ("asked", "status", "length"),
    [
        ("bytes=0-0", 206, 1),
        ("bytes=-5", 206, 5),
        ("bytes=10-", 206, -10),
        ("bytes=0-99999999999", 206, 0),
        ("bytes=-99999999999", 206, 0),
        ("bytes=0-1,5-6", 200, 0),
        ("bytes=5-1", 200, 0),
        ("bytes=x-y", 200, 0),
        ("lines=1-2", 200, 0),
        ("bytes=", 200, 0),
        (f"bytes={'9' * 5_000}-", 200, 0),
        ("bytes=99999999-", 416, 0),
    ],
)
async def test_any_range_is_a_part_or_the_whole_or_beyond(shared: Site, asked: str, status: int, length: int) -> None:
    whole = (await shared.http.get(TASKS)).content
    found = await shared.http.get(TASKS, headers={"Range": asked})
    assert found.status_code == status, found.text
    if status == 416:
        problem_of(found, 416)
        assert found.headers["Content-Range"] == f"bytes */{len(whole)}"
    else:
        assert len(found.content) == (length if length > 0 else len(whole) + length)


async def test_a_part_of_another_file_is_the_whole_of_this(shared: Site) -> None:
    whole = await shared.http.get(TASKS)
    for other in ('"other"', f"W/{whole.headers['ETag']}", "Fri, 30 Jun 2023 04:00:00 GMT"):
        found = await shared.http.get(TASKS, headers={"Range": "bytes=5-9", "If-Range": other})
        assert (found.status_code, len(found.content)) == (200, len(whole.content))


async def test_head_and_304_have_no_body_and_the_same_headers(shared: Site) -> None:
    whole = await shared.http.get(TASKS)
    head = await shared.http.head(TASKS, headers={"Range": "bytes=0-9"})  # of which only GET has a part
    assert head.status_code == 200
    assert not head.content
    dated = {"date"}
    assert {k: v for k, v in head.headers.items() if k not in dated} == {
        k: v for k, v in whole.headers.items() if k not in dated
    }
    for part in ("bytes=0-9", "bytes=99999999-"):  # who has it all asks for no part, wherever that would be
        same = await shared.http.get(TASKS, headers={"If-None-Match": whole.headers["ETag"], "Range": part})
        assert (same.status_code, same.content) == (304, b"")
        assert "Content-Range" not in same.headers


async def test_a_file_has_no_coding_and_says_what_it_is(shared: Site) -> None:
    found = await shared.http.get(TASKS, headers={"Accept-Encoding": "gzip, br"})
    assert "Content-Encoding" not in found.headers
    head = shared.running.reader.head
    name = f"planrecord_{head.log[:8]}_all_tasks_p{head.size}_2023-04-03.csv"
    assert found.headers["Content-Disposition"] == f'attachment; filename="{name}"'
    pinned = f"{TASKS}?position={head.size}&effectiveOn=2023-04-03"
    assert f'<{pinned}>; rel="canonical"' in found.headers["Link"]
    assert ".csv-metadata.json?" in found.headers["Link"]
    again = await shared.http.get(pinned)
    assert again.content == found.content
    assert (await shared.http.get("/v1/export/reports.csv")).headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/v1/export/tasks", 404, "unknown_address"),
        ("/v1/export/tasks.pdf", 404, "unknown_address"),
        ("/v1/export/secrets.csv", 404, "unknown_address"),
        ("/v1/export/tasks.parquet-metadata.json", 404, "unknown_address"),
        ("/v1/export/tasks.csv-metadata.csv", 404, "unknown_address"),
        ("/v1/export/tasks.csv?plan=none", 404, "unknown_id"),
        ("/v1/export/units.csv?plan=shanghai-credit-2023", 400, "bad_parameter"),
        ("/v1/export/tasks.csv?since=0", 400, "bad_parameter"),
        ("/v1/export/tasks.csv?since=9999", 400, "bad_parameter"),
        ("/v1/export/tasks.csv?since=300&position=299", 400, "bad_parameter"),
        ("/v1/export/tasks.json?headers=zh", 400, "bad_parameter"),
        ("/v1/export/tasks.csv?headers=fr", 400, "bad_parameter"),
        ("/v1/export/tasks.xlsx?excel=true", 400, "bad_parameter"),
        ("/v1/export/tasks.csv?limit=5", 400, "unknown_parameter"),
        ("/v1/export/tasks.csv?asOf=2022-12-31", 404, "before_the_record"),
        ("/v1/export/tasks.csv?position=99999", 400, "bad_moment"),
    ],
)
async def test_what_cannot_be_exported_is_a_problem_and_makes_no_file(
    shared: Site, path: str, status: int, code: str
) -> None:
    await shared.http.get(TASKS)
    before = sorted(folder_of(shared).iterdir())
    assert problem_of(await shared.http.get(path), status)["code"] == code
    assert sorted(folder_of(shared).iterdir()) == before


async def test_chinese_headings_and_a_table_for_excel(shared: Site) -> None:
    found = (await shared.http.get(f"{TASKS}?headers=zh&excel=true")).content
    assert found.startswith("\ufeff任务编码,工作要点,任务序号,部分,举措,任务内容,责任单位".encode())
    book = openpyxl.load_workbook(io.BytesIO((await shared.http.get("/v1/export/tasks.xlsx?headers=zh")).content))
    assert [one.value for one in book.worksheets[0][1]][:3] == ["任务编码", "工作要点", "任务序号"]
    about = {str(name): str(value) for name, value in book["关于"].iter_rows(values_only=True)}
    head = shared.running.reader.head
    assert (about["log"], about["root"], about["position"]) == (head.log, head.root, str(head.size))
    assert about["licence"].startswith("https://creativecommons.org/")
    assert not isinstance(book.worksheets[0]["C2"].value, str)


@pytest.mark.parametrize("text", ["=1+1", '=HYPERLINK("http://x")', "+86", "-1", "@cmd", "'quoted", "http://x.cn"])
async def test_a_text_is_a_text_in_every_form(site: Site, text: str) -> None:
    """A formula is none, a link is none, and CSV that is no spreadsheet's says exactly what the record says."""
    await site.record(REWORD | {"text": text})
    book = openpyxl.load_workbook(io.BytesIO((await site.http.get("/v1/export/tasks.xlsx")).content))
    cell = next(row[5] for row in book.worksheets[0].iter_rows() if row[0].value == TASK)
    assert (cell.value, cell.data_type, cell.hyperlink) == (text, "s", None)
    assert f",{text}," in (await site.http.get(TASKS)).text.replace('"' + text.replace('"', '""') + '"', text)
    excel = (await site.http.get(f"{TASKS}?excel=true")).text
    marked = text[0] in "=+-@'" and text not in {"-1", "+86"}  # numbers are none
    assert (f"'{text}" in excel.replace('""', '"')) == marked


async def test_what_a_sheet_does_not_hold_is_said(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limits are lowered where the sheet is written, in the process beside."""
    monkeypatch.setenv(
        "PYTHONPATH", f"{Path(__file__).parent / 'sheets'}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    )
    for _ in range(2):  # also to who asks again
        problem = problem_of(await site.http.get("/v1/export/events.xlsx"), 422)
        assert problem["code"] == "beyond_xlsx"
        assert ".csv or .parquet" in problem["detail"]
    assert (await site.http.get("/v1/export/districts.xlsx")).status_code == 200
    assert [one.name for one in folder_of(site).glob("*part*")] == []


def order_of(folder: Path) -> Order:
    moment = Moment(1, datetime(2023, 4, 3, tzinfo=UTC), date(2023, 4, 3), "", "", "", pinned=True)
    return Order(
        dsn="",
        path=str(folder / "sheet.xlsx"),
        most=1_000_000,
        export="platforms",
        form=ExportForm.XLSX,
        plan=None,
        moment=moment,
        since=None,
        chinese=False,
        excel=False,
        about={},
        meta=Raw(b"{}"),
    )


def test_a_cell_is_measured_as_a_spreadsheet_counts(tmp_path: Path) -> None:
    """In UTF-16, in which a sign beyond the first plane takes two."""
    order = order_of(tmp_path)
    for text, fits in (("字" * 32_767, True), ("😀" * 16_383, True), ("😀" * 16_384, False)):
        with nullcontext() if fits else pytest.raises(Unfit, match="one in row 2 has 32,768"), writing(order) as sheet:
            sheet.write([ExportItem(b"", {"id": text}, gone=True)])
            sheet.end()


async def test_what_takes_more_room_than_there_is_is_said(imported: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imported.exporting.files, "most", 60_000)
    async with serving(imported) as site:
        for form in ("csv", "ndjson", "parquet", "xlsx"):
            problem = problem_of(await site.http.get(f"/v1/export/events.{form}"), 422)
            assert problem["code"] == "too_large"
            assert "PLANRECORD_EXPORT_BYTES" in problem["detail"]
        assert (await site.http.get("/v1/export/districts.csv")).status_code == 200
        size = sum(one.stat().st_size for one in folder_of(site).iterdir())
        assert size <= 60_000
        for position in range(330, 350):  # each is another file
            assert (await site.http.get(f"{TASKS}?position={position}")).status_code == 200
        size = sum(one.stat().st_size for one in folder_of(site).iterdir())
        assert 0 < size <= 60_000


def test_what_was_asked_for_longest_ago_goes_first(tmp_path: Path) -> None:
    files = ExportFiles(tmp_path / "exports", 6 * 4_096)  # each takes a block, and so does what is known of it
    files.prepare("0.a.csv")
    for number, name in enumerate(["0.a.csv", "0.b.csv", "0.c.json"]):
        files.unfinished(name).write_bytes(b"x" * 1_000)
        files.keep(name, Filed(size=1_000, sha256="0" * 64, items=1))
        os.utime(files.path(f"{name}.said"), (number, number))
    assert files.found("0.a.csv")  # which is asked for again
    files.unfinished("0.d.csv").write_bytes(b"x" * 1_000)
    files.keep("0.d.csv", Filed(size=1_000, sha256="0" * 64, items=1))
    assert files.found("0.b.csv") is None
    assert all(files.found(name) for name in ("0.a.csv", "0.c.json", "0.d.csv"))
    files.unfinished("0.a.csv").write_bytes(b"y" * 1_000)  # and made once more meanwhile
    assert files.keep("0.a.csv", Filed(size=1_000, sha256="1" * 64, items=1)) == files.found("0.a.csv")
    assert files.path("0.a.csv").read_bytes() == b"x" * 1_000
    files.keep("0.e.csv", Declined(code="too_large", detail="it is"))
    assert files.found("0.e.csv") == Declined(code="too_large", detail="it is")
    files.path("0.d.csv").write_bytes(b"cut")  # somebody else did
    assert files.found("0.d.csv") is None
    left = files.unfinished("0.f.csv")
    left.write_bytes(b"x")
    os.utime(left, (1, 1))
    files.prepare("0.f.csv")
    assert not left.exists()


async def test_who_asks_first_is_told_after_a_while_where_it_will_be(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    await site.http.get(TASKS)
    monkeypatch.setattr(exporting, "FIRST_WAIT", 0.2)
    process = made_by(site)
    process.send_signal(signal.SIGSTOP)
    later = await site.http.get("/v1/export/tasks.ndjson")
    assert later.status_code == 202
    assert int(later.headers["Retry-After"]) > 0
    place = later.headers["Location"]
    assert place == f"/v1/export/tasks.ndjson?position={site.running.reader.head.size}&effectiveOn=2023-04-03"
    assert later.json()["location"] == place
    assert (await site.http.get(place)).status_code == 202
    process.send_signal(signal.SIGCONT)
    async with asyncio.timeout(10):
        while (found := await site.http.get(place)).status_code == 202:
            await asyncio.sleep(0.05)
    assert found.status_code == 200
    assert found.headers["Items"] == "67"


def made_by(site: Site) -> Any:
    """The process that makes exports."""
    return site.running.exporting._workshop._process  # noqa: SLF001 - which is nobody's else  # pyright: ignore[reportPrivateUsage]


async def test_a_process_that_dies_is_replaced(site: Site) -> None:
    await site.http.get(TASKS)
    process = made_by(site)
    process.send_signal(signal.SIGSTOP)
    asked = asyncio.create_task(site.http.get("/v1/export/units.csv"))
    await asyncio.sleep(0.3)
    process.kill()
    problem = problem_of(await asked, 503)
    assert problem["code"] == "not_made"
    assert (await site.http.get("/v1/export/units.csv")).status_code == 200
    assert made_by(site).pid != process.pid


async def test_a_process_that_stands_still_is_given_up(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    await site.http.get(TASKS)
    monkeypatch.setattr(workshop, "MADE_WITHIN", 0.5)
    process = made_by(site)
    process.send_signal(signal.SIGSTOP)
    assert problem_of(await site.http.get("/v1/export/units.csv"), 503)["code"] == "not_made"
    async with asyncio.timeout(5):
        await process.wait()


async def test_another_api_in_the_folder_is_not_taken_for_this_one(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "api").mkdir()
    (tmp_path / "api" / "__init__.py").write_text("raise SystemExit('this is another')")
    monkeypatch.chdir(tmp_path)
    assert (await site.http.get(TASKS)).status_code == 200


async def test_what_it_says_beside_an_answer_is_no_answer(site: Site) -> None:
    await site.http.get(TASKS)
    process = made_by(site)
    process.send_signal(signal.SIGSTOP)
    process.stdout.feed_data(b"a library says something\n")
    assert problem_of(await site.http.get("/v1/export/units.csv"), 503)["code"] == "not_made"
    assert (await site.http.get("/v1/export/units.csv")).status_code == 200
    assert made_by(site) is not process


async def test_too_many_orders_are_refused_and_readers_are_answered(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    await site.http.get(TASKS)
    monkeypatch.setattr(workshop, "MOST_ORDERS", 5)
    monkeypatch.setattr(exporting, "FIRST_WAIT", 0.5)
    process = made_by(site)
    process.send_signal(signal.SIGSTOP)
    asked = [site.http.get(f"{TASKS}?position={position}") for position in range(300, 320)]
    found = [one.status_code for one in await asyncio.gather(*asked)]
    assert (found.count(202), found.count(503)) == (5, 15)
    assert (await site.http.get(PLAN)).status_code == 200
    process.send_signal(signal.SIGCONT)


async def test_many_who_ask_the_same_have_it_made_once(site: Site) -> None:
    found = await asyncio.gather(*(site.http.get("/v1/export/tasks.parquet") for _ in range(20)))
    assert {one.status_code for one in found} == {200}
    assert len({one.content for one in found}) == 1
    assert len([*folder_of(site).glob("*.parquet")]) == 1


async def test_what_makes_exports_logs_in_the_form_of_the_server(tmp_path: Path) -> None:
    """Where it wants to read is no database: it says so in a line of its own."""
    order = encode(structs.replace(order_of(tmp_path), dsn="postgresql://nobody@127.0.0.1:1/none"))
    for form in ("json", "text"):
        begun = await asyncio.create_subprocess_exec(
            *module_command("api.exports.making", form), env=environment(), stdin=PIPE, stdout=PIPE, stderr=PIPE
        )
        replied, said = await asyncio.wait_for(begun.communicate(order + b"\n"), 60)
        assert b'"NotMade"' in replied
        (line,) = said.decode().splitlines()
        assert line.startswith("{") == (form == "json"), line
        assert "an export was not made: platforms.xlsx" in line


async def test_what_one_process_makes_no_other_makes_meanwhile(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    first, settings = site.running.exporting, site.running.settings
    await site.http.get(TASKS)
    process = made_by(site)
    process.send_signal(signal.SIGSTOP)
    monkeypatch.setattr(exporting, "FIRST_WAIT", 0.2)
    assert (await site.http.get("/v1/export/units.csv")).status_code == 202
    async with exporting.exporting(first.dsn, settings.data_dir, settings.export_bytes, "text") as other:
        ((name, _),) = first._making.items()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        with_none: Any = None  # nothing is ordered of it
        assert await other.ordered(name, with_none) is None
        assert other._workshop._process is None  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        process.send_signal(signal.SIGCONT)
        monkeypatch.setattr(exporting, "FIRST_WAIT", 10.0)
        assert await other.ordered(name, with_none) == await first.found(name) is not None
    assert [one.name for one in folder_of(site).glob("*part*")] == []


async def test_a_file_that_was_made_before_an_erasure_is_not_served_again_nor_kept(site: Site) -> None:
    first = await site.http.get("/v1/export/reports.csv")
    (kept,) = folder_of(site).glob("*.csv")
    connection = await connect(site.running.dsn)
    await connection.execute("UPDATE log_head SET erasure_epoch = erasure_epoch + 1")
    await connection.close()
    await site.running.reader.head.refresh()
    kept.write_bytes(b"what was erased" * 100)
    assert (await site.http.get("/v1/export/reports.csv")).content == first.content
    (anew,) = folder_of(site).glob("*.csv")
    assert anew != kept


async def test_a_file_says_under_which_licence_it_is_given_now(imported: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(imported) as site:
        for licence in ("https://example.org/one", "https://example.org/two"):
            monkeypatch.setattr(imported.reader, "license", licence)
            answer = await site.http.get("/v1/export/units.json")
            assert answer.json()["meta"]["license"] == licence


async def test_without_duckdb_there_is_no_parquet_and_all_else(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    missing: dict[str, Any] = {}
    monkeypatch.setattr("api.exports.door.find_spec", missing.get)
    assert problem_of(await site.http.get("/v1/export/tasks.parquet"), 406)["code"] == "not_here"
    assert (await site.http.get(TASKS)).status_code == 200


async def test_a_folder_that_nobody_may_write_is_said(site: Site) -> None:
    folder_of(site).parent.mkdir(exist_ok=True)
    folder_of(site).write_text("in the way")
    assert problem_of(await site.http.get(TASKS), 503)["code"] == "not_made"
    folder_of(site).unlink()
    assert (await site.http.get(TASKS)).status_code == 200


async def test_a_database_that_is_away_is_said_and_comes_back(site: Site) -> None:
    position = site.running.reader.head.size
    pinned = f"?position={position}&effectiveOn=2023-04-03"
    assert (await site.http.get(TASKS + pinned)).status_code == 200
    connection = await connect(site.running.dsn)
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    await connection.close()
    async with asyncio.timeout(20):
        while (await site.http.get("/v1/export/units.csv")).status_code != 200:
            await asyncio.sleep(0.2)


@pytest.fixture
async def gone(server: str, folder: Path) -> AsyncGenerator[int]:
    """The process that made exports for a service that has ended."""
    async with database_of(server, "imported") as dsn:
        async with service(settings_for(dsn, folder)) as running, serving(running) as site:
            await site.http.get(TASKS)
            pid = made_by(site).pid
        yield pid


def test_nothing_is_left_running(gone: int) -> None:
    with pytest.raises(ProcessLookupError):
        os.kill(gone, 0)


async def test_it_ends_when_it_has_no_orders(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workshop, "IDLE", 0.2)
    assert (await site.http.get(TASKS)).status_code == 200
    process = made_by(site)
    async with asyncio.timeout(10):
        assert await process.wait() == 0
    assert (await site.http.get("/v1/export/units.csv")).status_code == 200


async def test_it_ends_in_the_middle_of_an_order_when_who_ordered_has_gone(site: Site) -> None:
    await site.http.get(TASKS)
    process = made_by(site)
    process.send_signal(signal.SIGSTOP)
    asked = asyncio.create_task(site.http.get("/v1/export/events.xlsx"))
    await asyncio.sleep(0.2)
    process.stdin.close()  # as when the server was killed
    process.send_signal(signal.SIGCONT)
    async with asyncio.timeout(10):
        await process.wait()
    await asked
