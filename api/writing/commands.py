"""Writing: one command, or a list of them that stands or falls together."""

import hmac
from typing import Annotated

import msgspec
from litestar import post
from msgspec import Meta

from api.http import tokens
from api.http.answers import Answer, now
from api.http.asking import asked
from api.http.body import check_number, decoded_commands, json_body
from api.http.clients import unless_gone
from api.http.documented import answers as documented
from api.http.documented import operation
from api.http.question import Ask
from api.services.office import DryRun, Office, Receipt, encoded_answer
from api.services.problems import Fault, Trouble
from domain.errors import Refused
from events.proposal import IdempotencyKey


class CommandQuery(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Whether to record, or only to say what would be recorded."""

    dry_run: Annotated[bool, Meta(description="Answer what would be recorded and change; record nothing.")] = False


@post(
    "/v1/commands",
    operation_class=operation(CommandQuery),
    responses=documented(Receipt | DryRun, 401, 409, 413, 415, 422, 503),
    status_code=200,
    tags=["commands"],
)
async def commands(request: Ask) -> Answer:
    """Record what one command decides, or a list of commands, all or nothing. Needs the token."""
    tokens.check(request.credentials.authorization, request.app.state.token)
    query = asked(request.question.parameters, CommandQuery)
    body = await json_body(request, check_number)
    given = decoded_commands(body)
    if not given:
        raise Trouble(400, "malformed", "the list holds no command")
    office: Office = request.app.state.office
    work = office.dry_run(given) if query.dry_run else office.record(given, _idempotency(request, body))
    try:
        receipt = await unless_gone(request.receive, work)
    except Refused as refused:
        if body.lstrip().startswith(b"["):
            refused.pointer = f"/{refused.index}{refused.pointer or ''}"
        raise
    return now(await encoded_answer(receipt), Log_Position=str(receipt.position))


def _idempotency(request: Ask, body: bytes) -> IdempotencyKey | None:
    key = request.credentials.idempotency_key
    if key is None:
        return None
    if not (0 < len(key) <= 200 and key.isascii() and key.isprintable()):  # noqa: PLR2004
        detail = "an Idempotency-Key has 1 to 200 printable ASCII characters"
        raise Trouble(400, "malformed", detail, [Fault("Idempotency-Key", detail)])
    state = request.app.state
    keys: tuple[bytes, bytes] = state.hmac_key, state.token.encode()
    return IdempotencyKey(key, *(hmac.digest(one, body, "sha256") for one in keys))
