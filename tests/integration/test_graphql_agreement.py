"""Our executor against graphql-core's: 250 random queries of every kind have the same answers."""

from typing import Any

import msgspec

from api.graphql.execute import projected
from tests.conftest import Site
from tests.graphs import Asker, by_graphql_core, dear, ready

VARIABLES: list[dict[str, Any]] = [{}, {"at": {"position": 400}}, {"yes": False, "no": True}]


async def test_250_random_queries_are_answered_as_graphql_core_does(told: Site) -> None:
    asker, compared, failed, sizes = Asker(20230403), 0, 0, 0
    while compared < 250:
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
        assert [(one.message, one.path, one.locations) for one in errors] == [
            (one.message, one.path, one.locations) for one in core_errors
        ], text
        compared, failed, sizes = compared + 1, failed + bool(errors), sizes + len(msgspec.json.encode(data))
    assert failed > 20
    assert sizes > 300_000


def in_order(value: Any) -> str:
    """The JSON, in which the order of the fields counts too."""
    return msgspec.json.encode(value).decode()
