"""Our executor against graphql-core's: 500 random queries reach every root, edge and argument, and have one answer."""

from typing import Any

import msgspec

from api.graphql.execute import projected
from api.services.problems import trouble
from tests.conftest import Site
from tests.graphs import Asker, by_graphql_core, dear, reached, ready

VARIABLES: list[dict[str, Any]] = [{}, {"at": {"position": 400}}, {"yes": False, "no": True, "n": 5}]


async def test_500_random_queries_are_answered_as_graphql_core_does(told: Site) -> None:
    asker, compared, failed, sizes = Asker(20230403), 0, 0, 0
    while compared < 500:
        text, variables = asker.query(), asker.random.choice(VARIABLES)
        prepared = await ready(told.running.reader, text, variables)
        if isinstance(prepared, list):
            assert "the answer would have about" in prepared[0].message, f"{text}: {prepared}"
            continue
        if dear(prepared):
            continue
        data, errors = projected(prepared)
        core, core_errors = by_graphql_core(prepared, text, variables)
        assert in_order(data) == in_order(core), text
        for one, other in zip(errors, core_errors, strict=True):
            assert (one.message, one.path) == (other.message, (other.path or [])[: len(one.path or [])]), text
            assert one.locations == other.locations or len(one.path or []) < len(other.path or []), text
        assert "internal" not in {trouble(one.original_error).code for one in errors if one.original_error}, text
        asker.left -= reached(text)
        compared, failed, sizes = compared + 1, failed + bool(errors), sizes + len(msgspec.json.encode(data))
    assert asker.left == set(), f"{len(asker.left)} not reached"
    assert failed > 20
    assert sizes > 300_000


def in_order(value: Any) -> str:
    """The JSON, in which the order of the fields counts too."""
    return msgspec.json.encode(value).decode()
