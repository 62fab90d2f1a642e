"""What of a new OpenAPI description breaks a client of the old one: each break in a sentence.

Whoever reads may be given more than before, never less or other; whoever writes may give what he gave before.
A value more in an enumeration that is read is no break: clients are told to expect it.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Literal

Json = dict[str, Any]
Way = Literal["read", "given"]
METHODS = ("get", "post", "put", "patch", "delete")
ATMOST = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
ATLEAST = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")


def breaks(old: Json, new: Json) -> list[str]:
    """Every break, by address."""
    pair = Pair(old, new)
    return sorted({one for path in old["paths"] for one in pair.path(path)})


class Pair:
    """An old description and a new one."""

    def __init__(self, old: Json, new: Json) -> None:
        self.old, self.new = old, new
        self._entered: set[tuple[str, str, Way]] = set()

    def path(self, path: str) -> Iterator[str]:
        """The breaks at an address."""
        for method in METHODS:
            old = self.old["paths"][path].get(method)
            new = self.new["paths"].get(path, {}).get(method)
            if old and not new:
                yield f"{method.upper()} {path} is gone"
            elif old:
                yield from (f"{method.upper()} {path}: {one}" for one in self._operation(old, new))

    def _operation(self, old: Json, new: Json) -> Iterator[str]:
        if new.get("security") and not old.get("security"):
            yield "needs a token now"
        yield from self._parameters(old.get("parameters", []), new.get("parameters", []))
        yield from self._body(old.get("requestBody"), new.get("requestBody"))
        for status, answer in old["responses"].items():
            if status not in new["responses"]:
                if status.startswith("2"):
                    yield f"answer {status} is gone"
                continue
            now = new["responses"][status]
            for name in answer.get("headers", {}).keys() - now.get("headers", {}).keys():
                yield f"answer {status}: header {name} is gone"
            where = f"answer {status}"
            yield from self._contents(answer.get("content", {}), now.get("content", {}), "read", where)

    def _parameters(self, olds: Sequence[Json], news: Sequence[Json]) -> Iterator[str]:
        old, new = ({(one["in"], one["name"]): one for one in side} for side in (olds, news))
        for key in old.keys() - new.keys():
            yield f"parameter {key[1]} is gone"
        for key, one in new.items():
            before = old.get(key, {"schema": {}})
            if one.get("required") and not before.get("required"):
                yield f"parameter {key[1]} must be given now"
            if key in old:
                yield from self.schema(before["schema"], one["schema"], "given", f"parameter {key[1]}")

    def _body(self, old: Json | None, new: Json | None) -> Iterator[str]:
        if new and new.get("required") and not (old and old.get("required")):
            yield "a body must be given now"
        if old:
            yield from self._contents(old["content"], (new or {"content": {}})["content"], "given", "body")

    def _contents(self, old: Json, new: Json, way: Way, where: str) -> Iterator[str]:
        for kind, content in old.items():
            if kind not in new:
                yield f"{where}: {kind} is gone"
            else:
                yield from self.schema(content.get("schema", {}), new[kind].get("schema", {}), way, where)

    def schema(self, old: Json, new: Json, way: Way, where: str) -> Iterator[str]:
        """The breaks of a shape that is read, or given."""
        names = (old.get("$ref", ""), new.get("$ref", ""), way)
        if names[0] and names[1]:
            if names in self._entered:
                return
            self._entered.add(names)
        try:
            yield from self._options(_options(self.old, old), _options(self.new, new), way, where)
        finally:
            self._entered.discard(names)

    def _options(self, old: list[Json], new: list[Json], way: Way, where: str) -> Iterator[str]:
        if len(old) == len(new) == 1:
            yield from self._one(old[0], new[0], way, where)
            return
        from_, to = (new, old) if way == "read" else (old, new)
        for one in from_:
            same = [other for other in to if _named(other) == _named(one)]
            rest = [other for other in to if other not in same]
            tried = [list(self._one(*_ordered(one, other, way), way, where)) for other in (*same, *rest)]
            if not all(tried):
                continue
            said = f"{where} may be {_named(one)} now" if way == "read" else f"{where} may no longer be {_named(one)}"
            yield from min(tried[: len(same)], key=len, default=[said])

    def _one(self, old: Json, new: Json, way: Way, where: str) -> Iterator[str]:
        if not _fits(*(old, new) if way == "given" else (new, old)):
            yield f"{where} is {_named(new)}, was {_named(old)}"
            return
        yield from _values(old, new, way, where)
        if way == "given":
            yield from _limits(old, new, where)
        yield from self._fields(old, new, way, where)
        for name in ("items", "additionalProperties"):
            if isinstance(old.get(name), dict) and isinstance(new.get(name), dict):
                yield from self.schema(old[name], new[name], way, f"{where}[]")
        for number, (one, other) in enumerate(
            zip(old.get("prefixItems", ()), new.get("prefixItems", ()), strict=False)
        ):
            yield from self.schema(one, other, way, f"{where}[{number}]")

    def _fields(self, old: Json, new: Json, way: Way, where: str) -> Iterator[str]:
        before, now = old.get("properties", {}), new.get("properties", {})
        was, must = set(old.get("required", ())), set(new.get("required", ()))
        for name in before:
            if name not in now:
                yield f"{where}.{name} is gone"
            else:
                yield from self.schema(before[name], now[name], way, f"{where}.{name}")
        if way == "read":
            yield from (f"{where}.{name} may be missing now" for name in (was - must) & now.keys())
        else:
            yield from (f"{where}.{name} must be given now" for name in must - was)


def _options(whole: Json, schema: Json) -> list[Json]:
    """The schema's alternatives, without references and without lists of types."""
    if "$ref" in schema:
        rest = {name: value for name, value in schema.items() if name != "$ref"}
        return _options(whole, whole["components"]["schemas"][schema["$ref"].rpartition("/")[2]] | rest)
    for name in ("anyOf", "oneOf"):
        if name in schema:
            return [option for one in schema[name] for option in _options(whole, one)]
    if isinstance(schema.get("type"), list):
        return [schema | {"type": one} for one in schema["type"]]
    return [schema]


def _ordered(one: Json, other: Json, way: Way) -> tuple[Json, Json]:
    return (other, one) if way == "read" else (one, other)


def _named(schema: Json) -> str:
    tag = schema.get("properties", {}).get("type", {})
    kind = schema.get("title") or schema.get("type") or ("a value" if _values_of(schema) else "anything")
    return f"{kind} {schema['format']}" if "format" in schema else str(tag.get("const") or _first(tag) or kind)


def _first(tag: Json) -> Any:
    return next(iter(tag.get("enum", ())), None)


def _fits(narrow: Json, wide: Json) -> bool:
    """Whether every type that `narrow` may have is one that `wide` may have."""
    types = narrow.get("type"), wide.get("type")
    if wide.get("type") is None:
        return not _values_of(wide) or bool(_values_of(narrow))
    same_kind = (
        types[0] == types[1] or types == ("integer", "number") or (types[0] is None and bool(_values_of(narrow)))
    )
    return same_kind and wide.get("format") in {None, narrow.get("format")}


def _values_of(schema: Json) -> set[str]:
    values = [schema["const"]] if "const" in schema else schema.get("enum", [])
    return {str(value) for value in values}


def _values(old: Json, new: Json, way: Way, where: str) -> Iterator[str]:
    before, now = _values_of(old), _values_of(new)
    if way == "read" and before and not now:
        yield f"{where} may be any {new.get('type')} now"
    if way == "given" and now:
        for value in sorted(before - now):
            yield f"{where} may no longer be {value}"
        if not before:
            yield f"{where} may no longer be any {old.get('type')}"


def _narrower(name: str, old: float | None, new: float) -> bool:
    return old is None or (new < old if name in ATMOST else new > old)


def _limits(old: Json, new: Json, where: str) -> Iterator[str]:
    for name in (*ATMOST, *ATLEAST):
        if name in new and _narrower(name, old.get(name), new[name]):
            yield f"{where}: {name} is {new[name]}, was {old.get(name, 'not limited')}"
    for name in ("pattern", "additionalProperties"):
        now = new.get(name)
        if isinstance(now, str | bool) and now is not True and now != old.get(name):
            yield f"{where}: {name} is {new[name]}, was {old.get(name, 'not limited')}"
