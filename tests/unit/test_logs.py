"""One line for whatever goes wrong, without what anybody sent; and the trace by which it is found."""

import json
import logging
import re
from typing import Any

import pytest

from api.hosting.logs import AsJson, AsText
from api.http.traces import Trace
from api.services.problems import note, trouble
from events.queue import NotBegun

SENT = "张三的报告"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def recorded(caplog: pytest.LogCaptureFixture, error: Exception) -> logging.LogRecord:
    """The one line of a request that failed so."""
    caplog.clear()
    with caplog.at_level(logging.WARNING, "planrecord"):
        note("POST '/v1/commands'", trouble(error), error, TRACE)
    (record,) = caplog.records
    caplog.clear()
    return record


def unforeseen() -> Exception:
    try:
        {}[f"{SENT}\n{SENT}"]  # as a driver quotes what it was given
    except LookupError as error:
        return error
    raise AssertionError("nothing is there")


def test_an_error_that_nobody_foresaw_is_one_line_that_says_where_and_quotes_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    record = recorded(caplog, unforeseen())
    text = AsText().format(record)
    where = r"KeyError at test_logs\.py:\d+ unforeseen"
    assert re.fullmatch(
        rf"[-\d]+T[:.\d]+Z planrecord ERROR POST '/v1/commands': internal, trace {TRACE}: {where}", text
    )
    line: dict[str, Any] = json.loads(AsJson().format(record))
    assert line["level"] == "ERROR"
    assert (line["trace"], line["code"], line["status"]) == (TRACE, "internal", 500)
    assert re.fullmatch(where, line["error"])
    assert SENT not in text + json.dumps(line, ensure_ascii=False)


def test_what_is_only_for_now_says_the_cause_without_its_details(caplog: pytest.LogCaptureFixture) -> None:
    error = NotBegun("the database does not answer")
    error.__cause__ = ConnectionError(f"the line was cut\nDETAIL:  {SENT}")
    text = AsText().format(recorded(caplog, error))
    assert text.endswith(f"POST '/v1/commands': not_begun (the line was cut), trace {TRACE}")


@pytest.mark.parametrize("form", [AsText(), AsJson()])
def test_a_message_of_several_lines_is_one(form: logging.Formatter) -> None:
    record = logging.LogRecord("asyncio", logging.ERROR, "", 0, "one\ntwo %s", ("three\nfour",), None)
    assert len(form.format(record).splitlines()) == 1


@pytest.mark.parametrize(
    ("headers", "taken"),
    [
        ([(b"traceparent", f"00-{TRACE}-00f067aa0ba902b7-01".encode())], True),
        ([(b"host", b"x"), (b"traceparent", f"cc-{TRACE}-00f067aa0ba902b7-01-more".encode())], True),
        ([(b"traceparent", f"ff-{TRACE}-00f067aa0ba902b7-01".encode())], False),
        ([(b"traceparent", f"00-{'0' * 32}-00f067aa0ba902b7-01".encode())], False),
        ([(b"traceparent", f"00-{TRACE}-{'0' * 16}-01".encode())], False),
        ([(b"traceparent", f"00-{TRACE.upper()}-00f067aa0ba902b7-01".encode())], False),
        ([(b"traceparent", f"00-{TRACE}-00f067aa0ba902b7-01".encode())] * 2, False),
        ([(b"traceparent", b"\xff\n")], False),
        ([], False),
    ],
)
def test_a_trace_is_that_of_the_request_or_a_new_one(headers: list[tuple[bytes, bytes]], *, taken: bool) -> None:
    trace = Trace(headers)
    assert (trace.id == TRACE) is taken
    assert re.fullmatch("[0-9a-f]{32}", trace.id)
    assert trace.id == trace.id
    assert taken or Trace(headers).id != trace.id
