"""`planrecord serve --as-new-log`: a log that lacks what was acknowledged goes on under an identity of its own."""

import os
from typing import Final

from api.hosting.backups import BackupRefused
from api.hosting.heads import Acknowledged, Shared, acknowledge, head_of, last_known, shared, vouched_for
from api.hosting.opening import opened, place
from api.hosting.publishing import sign_first
from api.hosting.settings import Settings
from api.main import appending
from domain.log import LOG_STREAM, LogContinued
from domain.values import shanghai_day
from events.database import Connection, undisturbed
from events.proposal import NewFact, Proposal, new_request_id
from events.recorded import Cause
from events.streams import head_now, read_streams

REASON: Final = "从备份恢复，此前已确认的部分记录可能缺失"


async def continue_log(settings: Settings) -> LogContinued:
    """Record what the log continues, by which it gets its new identity.

    BackupRefused where all that is known to have been acknowledged is there, and no backup was restored since.
    """
    async with opened(settings, exclusive=True, purpose="write") as (dsn, _), undisturbed(dsn) as connection:
        here = await head_of(connection)
        kept = last_known(settings.data_dir, here.log)
        common = await shared(connection, vouched_for(settings, here.log))
        if common is None and not (kept and kept.restored):
            raise BackupRefused(
                f"the record in {place(settings)} lacks nothing that is known to have been acknowledged: start it "
                f"without --as-new-log"
            )
        fact = LogContinued(here.log, *(common or Shared(here.size, here.root)))
        proposal = await _proposed(connection, fact, settings.office)
        async with appending(dsn) as log:
            await log.append(proposal)
        new = await head_of(connection)
        acknowledge(settings.data_dir, Acknowledged(**new._asdict()))
        await sign_first(connection, settings)
        return fact


async def _proposed(connection: Connection, fact: LogContinued, actor: str) -> Proposal:
    facts = (await read_streams(connection, [LOG_STREAM]))[LOG_STREAM]
    _, now = await head_now(connection)
    today = shanghai_day(now)
    cause = Cause("log.continue", new_request_id(now, os.urandom(10)), REASON, None)
    new = NewFact(LOG_STREAM, fact, today, None, cause)
    return Proposal(actor, [new], {LOG_STREAM: len(facts)}, {LOG_STREAM: facts}, today)
