"""A large export is made in parts: the file is the same as in one piece, and nothing is left of one that fails."""

import asyncio
import os
import resource
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec import Raw, structs

from api.exports import exporting, parts
from api.exports.items import ExportItem
from api.exports.making import Maker
from api.exports.orders import Delivered, NotMade, Order
from api.exports.workshop import Workshop
from api.hosting.beside import module_command
from api.http.formats import ExportForm
from projections.as_of import AsOf
from tests.attacks.test_exports import folder_of, made_by
from tests.attacks.two_hands import lower
from tests.conftest import Site

Meeting = Callable[[Process], object]  # what befalls a process as soon as it is there


async def order_of(site: Site, folder: Path, form: str) -> Order:
    return Order(
        dsn=site.running.dsn,
        path=str(folder / f"file.{form}"),
        most=10_000_000,
        export="tasks",
        form=ExportForm(form),
        plan=None,
        moment=await site.running.reader.moment(AsOf()),
        since=None,
        chinese=False,
        excel=False,
        about={},
        meta=Raw(b"{}"),
    )


async def made(order: Order) -> Any:
    maker = Maker("text")
    try:
        return await asyncio.wait_for(maker.reply(order), 60)
    finally:
        await maker.close()


def watched(monkeypatch: pytest.MonkeyPatch, meet: Meeting = id) -> list[Process]:
    """The processes that help from now on, with what befalls each as soon as it is there."""
    found: list[Process] = []
    running = Workshop._running  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]

    async def met(shop: Workshop) -> Process:
        process = await running(shop)
        if process not in found:
            found.append(process)
            meet(process)
        return process

    monkeypatch.setattr(Workshop, "_running", met)
    return found


def stopped(process: Process) -> None:
    process.send_signal(signal.SIGSTOP)


def nothing_is_left(folder: Path, *processes: int) -> None:
    assert [*folder.iterdir()] == []
    for one in processes:
        with pytest.raises(ProcessLookupError):
            os.kill(one, 0)


@pytest.mark.parametrize("form", ["ndjson", "csv", "parquet"])
async def test_a_file_is_the_same_in_parts_and_in_one_piece(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    order = await order_of(site, tmp_path, form)
    whole = await made(order)
    assert isinstance(whole, Delivered), whole
    content = Path(order.path).read_bytes()
    lower(monkeypatch)
    helped = watched(monkeypatch)
    assert await made(order) == whole
    assert Path(order.path).read_bytes() == content
    Path(order.path).unlink()
    assert len(helped) == 1
    nothing_is_left(tmp_path, helped[0].pid)


async def test_a_record_for_which_it_does_not_pay_starts_no_process(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lower(monkeypatch)
    monkeypatch.setattr(parts, "PLANS_EACH", 2)  # which three plans are not for two
    helped = watched(monkeypatch)
    assert isinstance(await made(await order_of(site, tmp_path, "ndjson")), Delivered)
    assert helped == []


async def test_one_export_at_a_time_has_another_process_and_the_next_one_has_it_again(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = await order_of(site, tmp_path, "ndjson")
    lower(monkeypatch)
    helped = watched(monkeypatch)
    second = structs.replace(order, path=f"{order.path}.second")
    first, other = await asyncio.gather(made(order), made(second))
    assert isinstance(first, Delivered)
    assert first == other
    assert len(helped) == 1
    assert await made(order) == first
    assert len(helped) == 2


@pytest.mark.parametrize("meet", [Process.kill, stopped], ids=["dies", "stands still"])
async def test_what_a_process_fails_to_make_the_first_one_makes(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, meet: Meeting
) -> None:
    order = await order_of(site, tmp_path, "ndjson")
    whole = await made(order)
    lower(monkeypatch)
    monkeypatch.setattr(parts, "PART_WITHIN", 1.0)
    helped = watched(monkeypatch, meet)
    assert await made(order) == whole
    Path(order.path).unlink()
    assert len(helped) == 1  # it is not asked again
    nothing_is_left(tmp_path, helped[0].pid)


async def test_what_no_other_process_can_be_started_for_the_first_one_makes(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = await order_of(site, tmp_path, "ndjson")
    whole = await made(order)
    lower(monkeypatch)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "none"))
    assert await made(order) == whole


@contextmanager
def largest_file(size: int) -> Generator[None]:
    """No file may be larger, which is told in writing as a full disk is; to the processes that are started, too."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("size", [1_000, -1], ids=["for a part", "for the last row of the whole"])
async def test_nothing_is_left_of_a_file_for_which_there_is_no_room(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    order = await order_of(site, tmp_path, "csv")  # which begins with its headings, as no part does
    whole = await made(order)
    Path(order.path).unlink()
    lower(monkeypatch)
    helped = watched(monkeypatch)
    working = asyncio.all_tasks()
    with largest_file(size if size > 0 else whole.filed.size + size):
        failed = await made(order)
    assert isinstance(failed, NotMade)
    assert "File too large" in failed.detail
    assert asyncio.all_tasks() == working
    nothing_is_left(tmp_path, *(one.pid for one in helped))


async def test_nothing_is_left_of_an_order_that_nobody_wants_any_more(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = await order_of(site, tmp_path, "parquet")
    lower(monkeypatch)
    helped = watched(monkeypatch, stopped)
    working = asyncio.all_tasks()
    making = asyncio.create_task(made(order))
    async with asyncio.timeout(20):
        while not helped:
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.2)  # the first of the parts is there, and the second never will be
    making.cancel()
    await asyncio.gather(making, return_exceptions=True)
    assert asyncio.all_tasks() == working
    nothing_is_left(tmp_path, helped[0].pid)


def beside_it(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


async def begun(site: Site, monkeypatch: pytest.MonkeyPatch) -> tuple[int, int]:
    """The two processes that make an export in parts, of which the second has been stopped."""
    monkeypatch.setattr(exporting, "FIRST_WAIT", 0.2)
    monkeypatch.setattr("api.exports.workshop.module_command", two_hands)
    assert (await site.http.get("/v1/export/tasks.parquet")).status_code == 202
    async with asyncio.timeout(20):
        while not (found := beside_it(made_by(site).pid)):
            await asyncio.sleep(0.01)
    os.kill(found[0], signal.SIGSTOP)
    async with asyncio.timeout(20):
        while not [*folder_of(site).glob("*.part.rows")]:
            await asyncio.sleep(0.01)
    return made_by(site).pid, found[0]


def two_hands(_: str, *given: str) -> list[str]:
    return module_command("tests.attacks.two_hands", *given)


async def gone(*processes: int) -> None:
    """A child of a child is whoever takes it over's to take leave of."""
    async with asyncio.timeout(10):
        for one in processes:
            while Path(f"/proc/{one}").exists() and ") Z" not in Path(f"/proc/{one}/stat").read_text():
                await asyncio.sleep(0.01)


async def test_a_server_that_ends_leaves_neither_process_nor_part(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    processes = await begun(site, monkeypatch)
    await site.running.exporting.close()
    await gone(*processes)
    assert [one.name for one in folder_of(site).glob("*part*")] == []


async def test_who_makes_exports_takes_its_parts_along_when_it_is_killed(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = await begun(site, monkeypatch)
    os.kill(first, signal.SIGKILL)
    os.kill(second, signal.SIGCONT)
    await gone(first, second)
    monkeypatch.undo()
    assert (await site.http.get("/v1/export/tasks.parquet")).status_code == 200
    assert [one.name for one in folder_of(site).glob("*part*")] == []


def test_a_part_is_joined_in_whole_lines_however_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "JOINED_AT_ONCE", 10)
    part, joined = tmp_path / "part", list[bytes]()
    lines = [b"x" * length + b"\n" for length in (1, 25, 3, 40, 2)]
    part.write_bytes(b"".join(lines))
    parts._write(part, Joined(joined))  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    assert b"".join(joined) == b"".join(lines)
    assert all(one.endswith(b"\n") for one in joined)
    assert len(joined) > 1
    assert not part.exists()


class Joined:
    """Keeps what is joined."""

    def __init__(self, joined: list[bytes]) -> None:
        self.join = joined.append

    def write(self, items: Sequence[ExportItem]) -> None:
        """No part is written as items."""

    def end(self) -> None:
        """Nothing stands behind the last."""
