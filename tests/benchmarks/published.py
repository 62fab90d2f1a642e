"""A large signed log as files, to measure `planrecord audit` on: INVENTED facts, always the same, without a database.

    python -m tests.benchmarks.published build/published --facts 1000000 --more 1000 --measure

writes `first`, the log of so many facts, and `second`, the files in which the log of so many more differs from it.
"""

import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, sleep

import click
from rich.console import Console

from api.auditing.checked import check_bundles, entries_in
from api.auditing.index import Index, Tail
from events import merkle
from events.codec import decode, decode_trusted, encode
from events.recorded import Recorded
from events.tiles import WIDTH, TilePlace
from tests.benchmarks.invented import requests
from tests.published import publish_bundles, sealed

OUT = Console(highlight=False, soft_wrap=True)


def invented_entries(size: int) -> Iterator[bytes]:
    """The leaves of the invented record of so many facts."""
    versions, position = Counter[str](), 0
    for request in requests(size):
        for new in request.new:
            position += 1
            versions[new.stream] += 1
            instant = request.instant.astimezone(UTC)
            said = (request.actor, instant, new.effective_on, new.replaces, new.cause, new.fact)
            yield encode(Recorded(position, new.stream, versions[new.stream], *said))


def write_both(folder: Path, facts: int, more: int) -> None:
    """Write both, unless they are there."""
    first, second = folder / "first", folder / "second"
    if (second / "checkpoint").exists():
        return
    entries, full = invented_entries(facts + more), facts // WIDTH * WIDTH
    size, frontier = publish_bundles(first, islice(entries, full))
    begun = list(islice(entries, facts - full))
    sealed(first, *publish_bundles(first, begun, size, frontier))
    sealed(second, *publish_bundles(second, [*begun, *entries], size, frontier))


def measure(folder: Path) -> None:
    """Audit the first, then it with the files of the second in place: seconds, and the most memory of all processes."""
    with TemporaryDirectory(prefix="planrecord-audit-") as place:
        log, state = Path(place) / "log", {"XDG_STATE_HOME": f"{place}/state"}
        shutil.copytree(folder / "first", log)
        OUT.print(f"first visit: {_audited(log, state)}")
        shutil.copytree(folder / "second", log, dirs_exist_ok=True)
        OUT.print(f"with what is new: {_audited(log, state)}")
        OUT.print(f"nothing new: {_audited(log, state)}")
    for name, microseconds in parts(folder / "first"):
        OUT.print(f"  {name}: {microseconds:.1f} µs a fact on one core")


def _audited(log: Path, state: dict[str, str]) -> str:
    command = [sys.executable, "-m", "api", "audit", str(log), "--trust-first"]
    begin = perf_counter()
    with subprocess.Popen(command, env=os.environ | state, stdout=subprocess.PIPE) as process:  # noqa: S603
        most = 0
        while process.poll() is None:
            most = max(most, _resident(process.pid))
            sleep(0.02)
        assert process.stdout is not None
        said = process.stdout.read().decode().splitlines()
    assert process.returncode == 0, said
    return f"{perf_counter() - begin:.2f} s, {most >> 20} MB: {said[0]}"


def _resident(parent: int) -> int:
    """Bytes of memory of a process and of those that it began, what they share counted for each."""
    found = 0
    for one in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, IndexError):
            status = (one / "stat").read_text().rpartition(")")[2].split()
            if parent in {int(one.name), int(status[1])}:
                found += int(status[21]) * os.sysconf("SC_PAGE_SIZE")
    return found


def parts(log: Path) -> Iterator[tuple[str, float]]:
    """What is done with each fact, and how long that takes."""
    places = [TilePlace(None, number) for number in range(40)]
    bundles = [entries_in(log, place) for place in places]
    entries = [entry for bundle in bundles for entry in bundle]

    def each(work: Callable[[], object]) -> float:
        begin = perf_counter()
        work()
        return (perf_counter() - begin) / len(entries) * 1e6

    yield "read and cut", each(lambda: [entries_in(log, place) for place in places])
    yield "hash", each(lambda: [merkle.leaf_hash(one) for one in entries])
    yield "decode", each(lambda: [decode_trusted(one) for one in entries])
    yield "decode, and print again to compare", each(lambda: [decode(one) for one in entries])
    yield "all that a bundle tells", each(lambda: check_bundles(log, places))
    with TemporaryDirectory() as place:
        index, checked = Index(Path(place) / "index"), check_bundles(log, places)
        streams = [one for bundle in checked for one in bundle.streams]
        yield "count streams", each(lambda: [index.add(one, at) for at, one in enumerate(streams, 1)])
        yield "write the index", each(lambda: index.commit(Tail(len(streams), "", b"")))
        index.close()


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--facts", default=1_000_000, show_default=True)
@click.option("--more", default=1_000, show_default=True)
@click.option("--measure", "wanted", is_flag=True, help="Audit both, and say where the time goes.")
def main(folder: Path, facts: int, more: int, *, wanted: bool) -> None:
    """Write both; measure."""
    write_both(folder, facts, more)
    if wanted:
        measure(folder)


if __name__ == "__main__":
    main()
