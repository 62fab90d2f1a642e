"""The peer of `append-single`: PyPI's `eventsourcing` with its PostgreSQL recorder, in an environment of its own.

`python eventsourced.py SOCKET DATABASE SECONDS THREADS` saves new aggregates of one event each for so long, and prints
how many. Nothing is decided, derived or answered; pickling, locking and committing are the library's own.
"""

import json
import os
import sys
from importlib import import_module
from threading import Thread
from time import perf_counter
from typing import Any
from uuid import uuid4


def main() -> None:
    socket, database, seconds, threads = sys.argv[1:]
    os.environ |= {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": database,
        "POSTGRES_HOST": socket,
        "POSTGRES_PORT": "5432",
        "POSTGRES_USER": "planrecord",
        "POSTGRES_PASSWORD": "none",  # the socket knows who asks
        "POSTGRES_POOL_SIZE": threads,
        "POSTGRES_MAX_OVERFLOW": "0",
    }
    application: Any = import_module("eventsourcing.application")  # it reads the environment
    domain: Any = import_module("eventsourcing.domain")

    class Unit(domain.Aggregate):
        def __init__(self, unit: str, name: str, reason: str) -> None:
            self.unit = unit
            self.name = name
            self.reason = reason

    app = application.Application()
    saved: list[int] = []
    end = perf_counter() + float(seconds)

    def save() -> None:
        count = 0
        while perf_counter() < end:
            app.save(Unit(f"bench-{uuid4()}", "测量用单位", "【虚构示例】为测量而编写"))
            count += 1
        saved.append(count)

    begun, some = perf_counter(), [Thread(target=save) for _ in range(int(threads))]
    for one in some:
        one.start()
    for one in some:
        one.join()
    sys.stdout.write(json.dumps({"facts": sum(saved), "seconds": perf_counter() - begun}) + "\n")


if __name__ == "__main__":
    main()
