"""The results as a Markdown table."""

from collections.abc import Mapping, Sequence

from tests.benchmarks.benchmarks import Benchmark
from tests.benchmarks.measure import Result

HEADS = ("Benchmark", "planrecord", "peer", "", "ratio", "spread", "goal")


def table(benchmarks: Sequence[Benchmark], results: Mapping[str, Result]) -> str:
    """One line for each benchmark; the spread is that of the runs' ratios."""
    rows = [_row(one, results[one.name]) for one in benchmarks]
    widths = [max(len(row[column]) for row in [HEADS, *rows]) for column in range(len(HEADS))]
    rule = ["-" * width for width in widths]
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in [HEADS, rule, *rows]
    )


def _row(one: Benchmark, found: Result) -> tuple[str, ...]:
    name, own = f"`{one.name}`", _figure(found.value, found.unit)
    if not found.peer:
        return name, own, "-", "-", "-", "-", _verdict(one, found)
    low, high = min(found.ratios), max(found.ratios)
    peers = _figure(found.peers_value, found.unit)
    return name, own, one.peer, peers, f"{found.ratio:.2f}", f"{low:.2f}-{high:.2f}", _verdict(one, found)


def _figure(value: float, unit: str) -> str:
    return f"{value:,.0f}/s" if unit == "requests/s" else f"{value:,.{1 + (value < 10)}f} {unit}"


def _verdict(one: Benchmark, found: Result) -> str:
    if one.most is not None:
        return f"≤ {_figure(one.most, found.unit)}: {'pass' if found.value <= one.most else 'MISS'}"
    if one.goal is None:
        return "-"
    return f"≥ {one.goal}: {'pass' if found.ratio >= one.goal else 'MISS'}"
