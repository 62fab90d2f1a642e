"""A large signed log as files, to measure `planrecord audit` on: INVENTED facts, always the same, without a database.

    python -m tests.benchmarks.published build/published --facts 1000000 --more 1000

writes `first`, the log of so many facts, and `second`, the files in which the log of so many more differs from it.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC
from itertools import islice
from pathlib import Path

import click

from events.codec import encode
from events.recorded import Recorded
from events.tiles import WIDTH
from tests.benchmarks.invented import requests
from tests.published import publish_bundles, sealed


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


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--facts", default=1_000_000, show_default=True)
@click.option("--more", default=1_000, show_default=True)
def main(folder: Path, facts: int, more: int) -> None:
    """Write both."""
    entries = invented_entries(facts + more)
    full = facts // WIDTH * WIDTH
    first, second = folder / "first", folder / "second"
    size, frontier = publish_bundles(first, islice(entries, full))
    begun = list(islice(entries, facts - full))
    sealed(first, *publish_bundles(first, begun, size, frontier))
    sealed(second, *publish_bundles(second, [*begun, *entries], size, frontier))


if __name__ == "__main__":
    main()
