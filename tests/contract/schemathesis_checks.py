"""What schemathesis cannot know of GraphQL here: its scalars, and that an error with a code is an answer."""

from typing import Any

import schemathesis
from hypothesis import strategies as st
from schemathesis.graphql import nodes

schemathesis.graphql.scalar("Position", st.integers(-2, 400).map(nodes.Int))


@schemathesis.check
def no_mistake_of_ours(
    ctx: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case[Any]
) -> None:
    """A status that GraphQL has here, and a code that says what was wrong with the query; `internal` is our mistake."""
    assert response.status_code in {200, 400}, response.text
    body: Any = response.json()
    for error in body.get("errors", ()):
        code = error.get("extensions", {}).get("code") if response.status_code == 200 else "refused"
        assert code not in {None, "internal"}, error
