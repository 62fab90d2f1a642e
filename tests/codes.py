"""The codes of all problems there are, as the sources name them."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from domain import errors

ROOT: Final = Path(__file__).parents[1]
_CODE: Final = re.compile("[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
# Which argument of these is a code; in problems.py some stand beside their status, or in a choice.
_NAMED_BY: Final = {"Trouble": 1, "Unfit": 0, "_wrong": 0}


def problem_codes() -> set[str]:
    """What a problem's `code` may be."""
    rules = {one.code for one in vars(errors).values() if isinstance(one, type) and issubclass(one, errors.Refused)}
    files = [path for path in (ROOT / "api").rglob("*.py") if "assets" not in path.parts]
    return rules.union(*(_codes(ast.parse(path.read_text("utf-8"))) for path in files))


def _codes(module: ast.AST) -> Iterator[str]:
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _NAMED_BY:
            place = _NAMED_BY[node.func.id]
            yield from _words(node.args[place]) if len(node.args) > place else ()
        if isinstance(node, ast.Tuple | ast.Dict):
            yield from _beside_a_status(node)


def _words(node: ast.AST) -> Iterator[str]:
    """The codes in a value, which may be a choice."""
    for one in ast.walk(node):
        if isinstance(one, ast.Constant) and isinstance(one.value, str) and _CODE.fullmatch(one.value):
            yield one.value


def _beside_a_status(node: ast.Tuple | ast.Dict) -> Iterator[str]:
    """What stands in the sources as `404: "not_found"`, or as `(413, "too_many_facts")`."""
    pairs = [tuple(node.elts)] if isinstance(node, ast.Tuple) else list(zip(node.keys, node.values, strict=True))
    for pair in pairs:
        match pair:
            case (ast.Constant(value=int() as status), ast.Constant(value=str() as code)) if status in range(
                400, 600
            ) and _CODE.fullmatch(code):
                yield code
            case _:
                pass
