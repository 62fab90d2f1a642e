"""Follow a record into SQLite, on Python's standard library alone: python follow.py URL FILE.db [--once].

Copy it and change it. Each fact is held against its hash, all of them against the log's root, and each start against
what was there before. It checks no signature: `planrecord follow` does, and folds the facts into tables of tasks.
"""

import hashlib
import json
import sqlite3
import sys
import time
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import urlopen

BESIDE = ("leafHash", "undoneBy", "inRequest", "disclosures", "meta")  # what the answer adds to the fact
TABLES = """CREATE TABLE IF NOT EXISTS events (position INTEGER PRIMARY KEY, stream, type, effectiveOn, item);
    CREATE TABLE IF NOT EXISTS follow (one INTEGER PRIMARY KEY CHECK (one = 1), log, position, frontier);"""


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def leaf_hash(item):  # RFC 8785: keys sorted, no blanks, UTF-8
    leaf = {name: value for name, value in item.items() if name not in BESIDE}
    return sha(b"\0", json.dumps(leaf, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode())


def grow(frontier, size, node):  # RFC 6962: the roots of the full subtrees of a log of this size, and one leaf more
    while size % 2:
        node, size = sha(b"\1", frontier.pop(), node), size // 2
    frontier.append(node)


def root_of(frontier):
    root = frontier[-1] if frontier else sha()
    for left in reversed(frontier[:-1]):
        root = sha(b"\1", left, root)
    return root.hex()


def take(page, log, position, frontier, database):
    if log not in {None, page["meta"]["log"]}:
        sys.exit(f"this file follows the log {log}, and the server has {page['meta']['log']}")
    with database:  # all of the page, or nothing
        for item in page["items"]:
            node = leaf_hash(item)
            if item["position"] != position + 1 or item["leafHash"] != node.hex():
                sys.exit(f"position {position + 1} is not what it should be: {item}")
            grow(frontier, position, node)
            position += 1
            row = position, item["stream"], item["type"], item["effectiveOn"], json.dumps(item, ensure_ascii=False)
            database.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?)", row)
        there = page["meta"]["position"], page["meta"]["root"]
        if page["next"] is None and (position, root_of(frontier)) != there:
            sys.exit(f"the {position} facts have the root {root_of(frontier)}, the log's are {there}")
        state = page["meta"]["log"], position, json.dumps([one.hex() for one in frontier])
        database.execute("INSERT OR REPLACE INTO follow VALUES (1, ?, ?, ?)", state)
    return state[0], position


def main(url, file, once):
    database = sqlite3.connect(file)
    database.executescript(TABLES)
    kept = database.execute("SELECT log, position, frontier FROM follow").fetchone()
    log, position, hashes = kept or (None, 0, "[]")
    frontier, pause = [bytes.fromhex(one) for one in json.loads(hashes)], 1
    while True:
        asked = {"after": position, "expect": root_of(frontier), "limit": 200, "waitSeconds": 0 if once else 30}
        try:
            with urlopen(f"{url}/v1/events?{urlencode(asked)}", timeout=60) as answer:
                page = json.load(answer)
        except (HTTPError, URLError, TimeoutError) as error:
            if isinstance(error, HTTPError) and error.code not in {429, 500, 502, 503, 504}:
                sys.exit(f"{error}: {error.read().decode()}")  # 409: another history than ours
            print(f"{error}; trying again in {pause} s", file=sys.stderr)
            time.sleep(pause)
            pause = min(2 * pause, 60)
            continue
        log, position = take(page, log, position, frontier, database)
        pause = 1
        if once and position == page["meta"]["position"]:
            return print(f"{position} facts of log {log}, root {root_of(frontier)}")


if __name__ == "__main__":
    main(sys.argv[1].rstrip("/"), sys.argv[2], "--once" in sys.argv)
