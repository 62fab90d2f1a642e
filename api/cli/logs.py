"""What a server writes to standard error while it runs."""

import logging


def begin_to_log() -> None:
    """Write warnings and errors to standard error from now on."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    logging.getLogger("asyncpg").setLevel(logging.CRITICAL)  # of a database that is away, each request says so itself
    logging.getLogger("strawberry.execution").setLevel(logging.CRITICAL)  # a wrong query is no fault of ours
