"""An export as a client reads it: `python exports.py CLIENT FILE [SIDECAR]`, a line of JSON each.

First the columns' types, then what the file says of itself, then its rows.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow.parquet as pq


def by_pyarrow(file: str) -> Iterator[dict[str, Any]]:
    """Parquet."""
    table = pq.read_table(file)
    yield {one.name: str(one.type) for one in table.schema}
    yield {name.decode(): value.decode() for name, value in (table.schema.metadata or {}).items()}
    yield from table.to_pylist()


def by_pandas(file: str) -> Iterator[dict[str, Any]]:
    """Parquet."""
    yield from told(pd.read_parquet(file, dtype_backend="pyarrow"))


def by_pandas_with_types(file: str, sidecar: str) -> Iterator[dict[str, Any]]:
    """CSV, with the types that its sidecar names."""
    dtype = json.loads(Path(sidecar).read_bytes())["notes"][0]["dtype"]
    yield from told(pd.read_csv(file, dtype=dtype, keep_default_na=False, na_values=[""]))


def by_duckdb(file: str) -> Iterator[dict[str, Any]]:
    """Parquet, or CSV of which it is told nothing."""
    found = duckdb.read_parquet(file) if file.endswith(".parquet") else duckdb.read_csv(file)
    yield dict(zip(found.columns, map(str, found.types), strict=True))
    yield {}
    for row in found.fetchall():
        yield dict(zip(found.columns, row, strict=True))


def told(frame: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """A frame, in which nothing has several spellings."""
    yield {name: str(type_) for name, type_ in frame.dtypes.items()}
    yield {}
    for row in frame.astype(object).to_dict("records"):
        yield {
            name: value if isinstance(value, list) or hasattr(value, "tolist") or not pd.isna(value) else None
            for name, value in row.items()
        }


CLIENTS = {"pyarrow": by_pyarrow, "pandas": by_pandas, "pandas-csv": by_pandas_with_types, "duckdb": by_duckdb}
client, *files = sys.argv[1:]
for one in CLIENTS[client](*files):
    print(json.dumps(one, default=lambda value: value.tolist() if hasattr(value, "tolist") else str(value)))
