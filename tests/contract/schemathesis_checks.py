"""What schemathesis cannot know of GraphQL here: an error with a code is an answer, `internal` is our mistake."""

from typing import Any

import schemathesis


@schemathesis.check
def no_mistake_of_ours(
    ctx: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case
) -> None:
    """A status that GraphQL has here, and a code that says what was wrong with the query."""
    assert response.status_code in {200, 400}, response.text
    body: Any = response.json()
    for error in body.get("errors", ()):
        code = error.get("extensions", {}).get("code") if response.status_code == 200 else "refused"  # noqa: PLR2004
        assert code not in {None, "internal"}, error
