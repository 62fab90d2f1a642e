"""Python's own client, gql: it takes the schema by introspection, and hears an error as an error."""

import asyncio
from typing import Any

import pytest
from gql import Client, GraphQLRequest
from gql.transport.exceptions import TransportQueryError
from gql.transport.requests import RequestsHTTPTransport
from graphql import GraphQLError

from tests.conftest import TASK, Site


async def asked(site: Site, query: str, *, checked: bool, **variables: Any) -> dict[str, Any]:
    """The data, from a client of its own; `checked`: by the schema that it took first."""

    def ask() -> dict[str, Any]:
        transport = RequestsHTTPTransport(url=f"{str(site.http.base_url).rstrip('/')}/graphql")
        with Client(transport=transport, fetch_schema_from_transport=checked) as session:
            return session.execute(GraphQLRequest(query, variable_values=variables))

    return await asyncio.to_thread(ask)


async def test_gql_reads_a_task_at_a_past_moment(told: Site) -> None:
    query = "query ($id: ID!, $day: Date) { task(id: $id, asOf: {position: 361}, effectiveOn: $day) { id number } }"
    found = await asked(told, query, checked=True, id=TASK, day="2023-06-30")
    assert found == {"task": {"id": f"task:{TASK}@361,2023-06-30", "number": int(TASK.rpartition("/")[2])}}


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ('{ task(id: "nowhere/1") { id } }', "unknown_id"),
        ('{ units(after: "x") { totalCount } }', "bad_cursor"),
        ('{ task(id: "unit:a") { id } }', "id_of_another_kind"),
        ("{ nope }", "malformed"),
        ("query A { __typename } query B { __typename }", "malformed"),
    ],
)
async def test_gql_hears_an_error_as_an_error(told: Site, query: str, code: str) -> None:
    with pytest.raises(TransportQueryError) as caught:
        await asked(told, query, checked=False)
    assert caught.value.errors
    assert [one["extensions"]["code"] for one in caught.value.errors] == [code]


async def test_gql_refuses_what_the_schema_does_not_have_before_it_is_sent(told: Site) -> None:
    with pytest.raises(GraphQLError, match="nope"):
        await asked(told, "{ nope }", checked=True)
