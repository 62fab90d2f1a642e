"""`/v1/export/…`: everything there is, taken home as one file, which is made once and sent as it lies there."""

import os
from base64 import b64encode
from collections.abc import AsyncGenerator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import msgspec
from litestar import get
from werkzeug.http import parse_range_header

from api.exports.asking import DESCRIBED, ExportAsked, ExportQuery, export_asked, split_name
from api.exports.exporting import Exporting
from api.exports.orders import Declined, Filed, Order
from api.exports.sidecar import about_file, metadata_of
from api.http.answers import JSON, ONCE, STORED, Answer, made
from api.http.documented import answers, operation
from api.http.formats import EXPORT_TYPES, SIDECAR, ExportForm
from api.http.paths import ExportName
from api.http.question import Ask
from api.services.problems import Trouble, unknown_address
from events.work import in_a_thread
from projections.as_of import Meta
from projections.views.texts import erasable

FILE_PART: Final = 1 << 19  # bytes that are read at a time; half as many were half as fast


class ExportBody(msgspec.Struct, frozen=True):
    """An export as JSON: all its items, as the lists have them, and the moment it was read at."""

    items: tuple[dict[str, Any], ...]
    next: None
    meta: Meta


@get(
    "/v1/export/{export:str}",
    operation_class=operation(ExportQuery, suffixes=tuple(ExportForm)),
    responses=answers(ExportBody, 406, 416, 422, 503),
    tags=["exports"],
)
async def export_file(request: Ask, export: ExportName) -> Answer:
    """All of something at a moment, as a file; who asks first waits, or is told after 10 s where it will be."""
    form = request.question.suffix
    assert isinstance(form, ExportForm)  # noqa: S101 - no address of an export lacks one
    name, of = split_name(export)
    if of is not None:
        if form is not ExportForm.JSON:
            raise unknown_address(f"what describes {name}.{of} is {name}.{of}{SIDECAR}.json")
        return _sidecar(request, await export_asked(request, name, of))
    asked = await export_asked(request, name, form)
    if form is ExportForm.PARQUET and find_spec("duckdb") is None:
        raise Trouble(406, "not_here", "Parquet is not made here, as duckdb is not installed: ask with .csv")
    exporting: Exporting = request.app.state.exporting
    reader = request.reader
    kept_as = asked.kept_as(reader.license, reader.head.erasure_epoch, exporting.most)
    filed = await exporting.found(kept_as)
    if filed is None:
        await reader.head.refresh()  # who finds the database away is told so now, not behind those who wait
        filed = await exporting.ordered(kept_as, _order(request, asked, exporting, kept_as))
    if filed is None:
        return _later(asked)
    if isinstance(filed, Declined):
        raise Trouble(422, filed.code, filed.detail)
    return _sent(request, asked, filed, exporting.files.path(kept_as))


def _meta(request: Ask, asked: ExportAsked) -> Meta:
    meta = request.reader.meta(asked.moment, request.question.address, {})
    return msgspec.structs.replace(meta, self_=asked.address())


def _order(request: Ask, asked: ExportAsked, exporting: Exporting, kept_as: str) -> Order:
    meta = _meta(request, asked)
    return Order(
        dsn=exporting.dsn,
        path=str(exporting.files.unfinished(kept_as).absolute()),
        most=exporting.most,
        export=asked.export.name,
        form=asked.form,
        plan=asked.query.plan,
        moment=asked.moment,
        since=asked.since,
        chinese=asked.query.headers is not None,
        excel=asked.query.excel,
        about=about_file(asked, meta),
        meta=msgspec.Raw(msgspec.json.encode(meta)),
    )


def _later(asked: ExportAsked) -> Answer:
    """It is still being made, and will be found under its pinned address."""
    body = msgspec.json.encode({"state": "being_made", "location": asked.address()})
    headers = {"Location": asked.address(), "Retry-After": "5", "Content-Type": JSON, "Cache-Control": "no-store"}
    headers["Log-Position"] = str(asked.moment.position)
    return Answer(body, headers, ONCE, 202)


def _sidecar(request: Ask, asked: ExportAsked) -> Answer:
    """What describes a file that holds nothing but rows."""
    body = msgspec.json.encode(metadata_of(asked, _meta(request, asked)))
    answer = made(request, body, asked.moment, explicit_day=asked.query.effective_on is not None)
    answer.headers["Content-Disposition"] = f'inline; filename="{asked.file_name}{SIDECAR}.json"'
    return answer


def _sent(request: Ask, asked: ExportAsked, filed: Filed, path: Path) -> Answer:
    """The file, or the part of it that is asked for: as its own bytes are, so is its validator."""
    etag = f'"{filed.sha256[:32]}"'
    links = {"canonical": asked.address()}
    if asked.form in DESCRIBED:
        links["describedby"] = asked.address(f"{SIDECAR}.json")
    answer = made(
        request,
        b"",
        asked.moment,
        EXPORT_TYPES[asked.form],
        explicit_day=asked.query.effective_on is not None,
        erasable=erasable(asked.export.view),
        links=links,
    )
    begin, end = 0, filed.size
    if part := _part(request, etag, filed.size):
        begin, end = part
        answer.status_code = 206
        answer.headers["Content-Range"] = f"bytes {begin}-{end - 1}/{filed.size}"
    answer.headers |= {
        "ETag": etag,
        "Content-Length": str(end - begin),
        "Accept-Ranges": "bytes",
        "Repr-Digest": f"sha-256=:{b64encode(bytes.fromhex(filed.sha256)).decode()}:",
        "Content-Disposition": f'attachment; filename="{asked.file_name}"',
        "Items": str(filed.items),
    }
    answer.stays, answer.parts = STORED, _parts(path, begin, end)
    return answer


def _part(request: Ask, etag: str, size: int) -> tuple[int, int] | None:
    """The one part that is asked for, if what is there is what a part is held of; Trouble for one beyond the end."""
    question = request.question
    if question.range is None or question.if_range not in {None, etag}:
        return None
    asked = parse_range_header(question.range)
    if asked is None or asked.units != "bytes" or len(asked.ranges) != 1:
        return None  # several parts are sent as the whole, as RFC 9110 allows
    part = asked.range_for_length(size)
    if part is None and asked.ranges[0][0] < 0 < size:
        return 0, size  # the last bytes, more than there are
    if part is None:
        # With the validator: to who has the file already it is said that it is the same (RFC 9110, 13.2.2).
        detail = f"the file has {size} bytes"
        raise Trouble(416, "beyond_the_file", detail, Content_Range=f"bytes */{size}", ETag=etag)
    return part


async def _parts(path: Path, begin: int, end: int) -> AsyncGenerator[bytes]:
    """A file's bytes, as they are taken; short where it is not there any more, so that who asked finds it cut off."""
    file = await in_a_thread(os.open, path, os.O_RDONLY)
    try:
        while begin < end:
            part = await in_a_thread(os.pread, file, min(FILE_PART, end - begin), begin)
            if not part:
                raise OSError(f"{path} is shorter than it was")
            begin += len(part)
            yield part
    finally:
        os.close(file)
