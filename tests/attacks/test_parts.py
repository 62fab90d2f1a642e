"""A large export is made in parts: the file is the same as in one piece, and nothing is left of one that fails."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from msgspec import Raw

from api.exports import parts
from api.exports.making import Maker
from api.exports.orders import Delivered, NotMade, Order
from api.exports.workshop import Workshop
from api.http.formats import ExportForm
from projections.as_of import AsOf
from tests.conftest import Site

PLANS = ("shanghai-credit-2023", "shanghai-credit-2024", "shanghai-credit-2025")


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
        return await maker.reply(order)
    finally:
        await maker.close()


def in_parts_of_one_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plans that nobody has made parts too, which have no rows."""
    monkeypatch.setattr(parts, "PLANS_IN_PART", 1)
    monkeypatch.setattr("api.exports.making.plans_at", several)


def two_cores(_: int) -> set[int]:
    return {0, 1}


async def several(*_: Any) -> list[str]:
    return [*PLANS]


@pytest.mark.parametrize("form", ["ndjson", "csv", "parquet"])
async def test_a_file_is_the_same_in_parts_and_in_one_piece(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    order = await order_of(site, tmp_path, form)
    whole = await made(order)
    assert isinstance(whole, Delivered), whole
    content = Path(order.path).read_bytes()
    in_parts_of_one_plan(monkeypatch)
    assert await made(order) == whole
    assert Path(order.path).read_bytes() == content
    assert [*tmp_path.iterdir()] == [Path(order.path)]


async def test_nothing_is_left_of_a_file_of_which_a_part_fails(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process that makes a part is killed as soon as it is there; the next time all goes well."""
    order = await order_of(site, tmp_path, "ndjson")
    in_parts_of_one_plan(monkeypatch)
    monkeypatch.setattr("os.sched_getaffinity", two_cores)
    running = Workshop._running  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]

    async def killed(shop: Workshop) -> Any:
        process = await running(shop)
        process.kill()
        return process

    with monkeypatch.context() as patched:
        patched.setattr(Workshop, "_running", killed)
        failed = await asyncio.wait_for(made(order), 60)
    assert isinstance(failed, NotMade)
    assert [*tmp_path.iterdir()] == []
    assert isinstance(await made(order), Delivered)
