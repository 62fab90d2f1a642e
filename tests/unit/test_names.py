"""A name means one thing: a public class, function or constant is defined in one module only."""

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
OWN: Final = ("domain", "events", "projections", "api")

# What several modules have, each its own: it means the same in each, and is called by the module's name.
EXEMPT: Final = {
    "answer": "how a door answers",
    "evolve": "the fold of a subject, on the page of each subject",
    "one": "what a single view is put together from, in the page of each kind",
    "read": "a part of an official document read, in the page of each part",
    "show": "the views among some rows, in the page of each kind",
    "upgrade": "Alembic runs it in every migration",
    "HANDLERS": "the handlers of a door's module, which api/main.py gathers by the module's name",
    "log": "the one logger, which logging itself finds by its name",
    "revision": "Alembic reads it from every migration",
    "down_revision": "Alembic reads it from every migration",
    "branch_labels": "Alembic reads it from every migration",
    "depends_on": "Alembic reads it from every migration",
}


def named(body: list[ast.stmt]) -> Iterator[tuple[str, ast.stmt]]:
    """The classes, functions and constants of a module's top level, those behind an `if` included."""
    for one in body:
        match one:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name, one
            case ast.Assign(targets=targets):
                yield from ((name.id, one) for each in targets for name in ast.walk(each) if isinstance(name, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield name, one
            case ast.If(body=then, orelse=otherwise):
                yield from named([*then, *otherwise])
            case _:
                pass


def is_type_variable(one: ast.stmt) -> bool:
    """A type variable stands for any type, and for nothing beyond its own signature."""
    match one:
        case ast.Assign(value=ast.Call(func=ast.Name(id="TypeVar"))):
            return True
        case _:
            return False


def modules() -> Iterator[Path]:
    """Every module of the project, but for the packages that are installed for the browser."""
    for folder in OWN:
        yield from (one for one in (ROOT / folder).glob("*.py"))
        for below in (one for one in (ROOT / folder).iterdir() if one.is_dir() and one.name != "assets"):
            yield from below.rglob("*.py")


def doubles() -> Mapping[str, set[str]]:
    """The public names that more than one module defines, each with those modules."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in modules():
        for name, one in named(ast.parse(path.read_text("utf-8")).body):
            if not name.startswith("_") and not is_type_variable(one):
                found[name].add(path.relative_to(ROOT).as_posix())
    return {name: places for name, places in found.items() if len(places) > 1}


def test_a_public_name_is_defined_in_one_module_only() -> None:
    twice = {name: places for name, places in doubles().items() if name not in EXEMPT}
    assert not twice, f"rename one to the word of its field, or define it once: {twice}"


def test_what_is_exempt_is_still_defined_twice() -> None:
    found = doubles()
    done = {name for name in EXEMPT if name not in found}
    assert not done, f"take these off the list: {done}"
