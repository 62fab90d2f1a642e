"""A request is read once, into one typed value: whatever order, case and number of lines its parts come in."""

from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.http.formats import Format
from api.http.question import Elsewhere, Question, coding_of, form_of, headers_of, json_taken, query_of, question_of
from api.services.problems import Fault, Trouble

HOST = (b"host", b"example.org")


def read(
    path: bytes = b"/v1/units", query: bytes = b"", *headers: tuple[bytes, bytes], method: str = "GET"
) -> Question:
    scope: dict[str, Any] = {
        "method": method,
        "raw_path": path,
        "query_string": query,
        "headers": [HOST, *headers],
    }
    return question_of(scope, headers_of(scope))


def hosted(*hosts: bytes) -> Question:
    scope = {
        "method": "GET",
        "raw_path": b"/v1/units",
        "query_string": b"",
        "headers": [(b"host", one) for one in hosts],
    }
    return question_of(scope, headers_of(scope))


def refused(*asked: Any) -> Trouble:
    with pytest.raises(Trouble) as caught:
        read(*asked)
    return caught.value


def test_a_query_is_read_by_name_whatever_order_it_comes_in() -> None:
    asked = read(b"/v1/units", b"position=1&asOf=2023-06-30T12:00:00%2B08:00")
    assert asked == read(b"/v1/units", b"asOf=2023-06-30T12:00:00%2B08:00&position=1")
    assert asked.parameters == {"asOf": "2023-06-30T12:00:00+08:00", "position": "1"}


@given(st.lists(st.text("aZ09._~:-=&", max_size=5), min_size=1, max_size=4).map("&".join))
def test_a_plain_query_is_read_as_any_other(text: str) -> None:
    told = dict(parse_qsl(text, keep_blank_values=True))
    try:
        assert dict(query_of(text.encode())) == told
    except Trouble:
        assert len(told) < len(parse_qsl(text, keep_blank_values=True))


def test_a_repeated_parameter_is_refused() -> None:
    found = refused(b"/v1/units", b"position=1&position=2&asOf=2023-06-30")
    assert (found.status, found.code) == (400, "repeated_parameter")
    assert found.faults == (Fault("position", "repeated"),)


def test_more_parameters_than_any_address_knows_are_not_even_read() -> None:
    found = refused(b"/v1/units", b"&".join(b"x%d=1" % number for number in range(101)))
    assert (found.status, found.code) == (400, "too_many_parameters")


@pytest.mark.parametrize(
    ("lines", "form"),
    [
        ([], Format.JSON),
        ([b"*/*"], Format.JSON),
        ([b"text/csv"], Format.CSV),
        ([b"TEXT/CSV"], Format.CSV),
        ([b"text/csv; header=present"], Format.CSV),
        ([b"text/csv;charset=utf-8"], Format.CSV),
        ([b"text/csv", b"*/*"], Format.CSV),
        ([b"*/*", b"text/csv"], Format.CSV),
        ([b"text/csv;q=0.5", b"application/json"], Format.JSON),
        ([b"text/csv;q=0", b"*/*"], Format.JSON),
        ([b"application/x-ndjson", b"application/json;q=0.9"], Format.NDJSON),
        ([b"text/html,application/xhtml+xml,*/*;q=0.8"], Format.JSON),
        ([b"text/*"], Format.CSV),
        ([b"application/*"], Format.JSON),
        ([b"application/*, application/json;q=0"], Format.NDJSON),
        ([b"image/png"], Format.JSON),
        ([b";;;,,,q=,"], Format.JSON),
    ],
)
def test_accept_is_one_list_however_many_lines_it_has(lines: list[bytes], form: Format) -> None:
    assert read(b"/v1/units", b"", *((b"accept", one) for one in lines)).form is form
    assert form_of(b", ".join(lines)) is form


@pytest.mark.parametrize(
    ("header", "taken"),
    [
        (b"", True),
        (b"*/*", True),
        (b"application/*", True),
        (b"text/html,application/xhtml+xml,*/*;q=0.8", True),
        (b"text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", True),
        (b"APPLICATION/JSON;q=0.001", True),
        (b"application/json; profile=x", True),
        (b"nothing that is a media type", True),
        (b"text/*", False),
        (b"image/png", False),
        (b"*/*;q=0", False),
        (b"application/json;q=0, */*", False),
        (b"application/*;q=0, */*", False),
        (b"application/json;q=0", False),
    ],
)
def test_the_most_specific_range_says_whether_json_is_taken(header: bytes, taken: bool) -> None:  # noqa: FBT001 - a row of a table
    assert json_taken(header) is taken


@pytest.mark.parametrize(
    ("header", "coding"),
    [
        (b"gzip", "gzip"),
        (b"GZIP", "gzip"),
        (b"br", "br"),
        (b"BR", "br"),
        (b"gzip, deflate, br, zstd", "br"),
        (b"br;q=0.5, gzip;q=0.5", "br"),
        (b"br;q=0.5, gzip", "gzip"),
        (b"br, gzip;q=0.5", "br"),
        (b"br;q=0, gzip", "gzip"),
        (b"*", "br"),
        (b"br;q=0, *", "gzip"),
        (b"*;q=0.5, gzip", "gzip"),
        (b"identity, *;q=0.5", ""),
        (b"identity, br;q=0.5, gzip;q=0.9", ""),
        (b"identity;q=0.5, br;q=0.4, gzip", "gzip"),
        (b"identity, gzip", "gzip"),
        (b"identity;q=0, *", "br"),
        (b"gzip;q=0", ""),
        (b"gzip; q=0.000, br;q=0", ""),
        (b"*;q=0", ""),
        (b"identity", ""),
        (b"zstd, compress", ""),
        (b"", ""),
    ],
)
def test_a_body_is_packed_as_it_is_taken_and_preferred(header: bytes, coding: str) -> None:
    assert coding_of(header) == coding


@pytest.mark.parametrize(
    "name", [b"accept-datetime", b"content-type", b"content-length", b"authorization", b"idempotency-key", b"host"]
)
def test_a_header_that_stands_alone_is_refused_when_it_comes_twice(name: bytes) -> None:
    found = refused(b"/v1/units", b"", (name, b"1"), (name, b"1"))
    assert (found.status, found.code) == (400, "bad_header")
    assert found.faults[0].pointer == name.decode().title()


@pytest.mark.parametrize("host", [b"", b"a/b@c", b"a b", b"a,b", b"http://a", b"a:b", b"a:123456", b"[::1", b"\xff"])
def test_a_host_that_is_none_is_refused(host: bytes) -> None:
    with pytest.raises(Trouble, match="the header Host"):
        hosted(host)


@pytest.mark.parametrize(
    "host", [b"a", b"example.org:8000", b"127.0.0.1:1", b"[::1]:8000", b"xn--fiqs8s.cn", b"my_api"]
)
def test_a_host_and_perhaps_a_port_is_taken(host: bytes) -> None:
    assert hosted(host) == hosted(b"example.org")


def test_no_host_is_refused() -> None:
    with pytest.raises(Trouble, match="the header Host"):
        hosted()


def test_an_absurdly_long_header_is_refused() -> None:
    assert refused(b"/v1/units", b"", (b"accept", b"a/b," * 3_000)).code == "bad_header"


@pytest.mark.parametrize(
    ("path", "location"),
    [
        (b"/v1/units/", "/v1/units"),
        (b"/plans/a/", "/plans/a"),
        (b"/v1/%E4%B8%AD/", "/v1/%E4%B8%AD"),
        (b"/v1/a%0d%0aLocation: x/", "/v1/a%0D%0ALocation%3A%20x"),
    ],
)
def test_a_trailing_slash_leads_to_the_address_without_it(path: bytes, location: str) -> None:
    with pytest.raises(Elsewhere) as caught:
        read(path, b"a=1&b=%20\r\n")
    assert caught.value.location == f"{location}?a=1&b=%20%0D%0A"


@pytest.mark.parametrize(
    ("path", "right"),
    [
        (b"//v1/units", "/v1/units"),
        (b"//evil.example/", "/evil.example/"),
        (b"/v1//units", "/v1/units"),
        (b"/v1/plans%2Fa", "/v1/plans/a"),
        (b"/v1/plans/a%2fb/", "/v1/plans/a/b/"),
        (b"/v1/plans/a.xml", "/v1/plans/a"),
    ],
)
def test_another_spelling_is_told_the_right_one(path: bytes, right: str) -> None:
    found = refused(path)
    assert (found.status, found.code) == (404, "unknown_address")
    assert f"it is {right}, if anywhere" in found.detail


def test_a_path_in_no_utf8_is_nowhere() -> None:
    assert refused(b"/v1/%ff").code == "unknown_address"


@pytest.mark.parametrize(
    ("path", "read_as", "suffix"),
    [
        (b"/v1/units.csv", "/v1/units", Format.CSV),
        (b"/v1/plans/a/tasks.ndjson", "/v1/plans/a/tasks", Format.NDJSON),
        (b"/v1/units", "/v1/units", None),
        (b"/openapi.json", "/openapi.json", None),
        (b"/", "/", None),
    ],
)
def test_a_suffix_asks_for_a_form(path: bytes, read_as: str, suffix: Format | None) -> None:
    asked = read(path, b"", (b"accept", b"application/x-ndjson"))
    assert (asked.path, asked.suffix, asked.form) == (read_as, suffix, suffix or Format.NDJSON)
    assert asked.address.encode() == path


def test_what_is_asked_with_head_is_what_is_asked_with_get() -> None:
    assert read(method="HEAD") == read(method="GET")


@given(st.binary(max_size=200))
def test_any_query_string_is_read_or_refused(query_string: bytes) -> None:
    try:
        assert all(isinstance(part, str) for pair in query_of(query_string) for part in pair)
    except Trouble as trouble:
        assert trouble.status == 400  # noqa: PT017 - either is right


@given(st.binary(max_size=100))
def test_any_path_is_read_or_refused(path: bytes) -> None:
    try:
        assert read(b"/" + path).path.startswith("/")
    except Elsewhere as elsewhere:
        assert elsewhere.location.startswith("/")  # noqa: PT017
        assert not elsewhere.location.startswith("//")  # noqa: PT017 - that would be another host
    except Trouble as trouble:
        assert trouble.status in {400, 404}  # noqa: PT017


@given(st.binary(max_size=200))
def test_any_preference_is_read(header: bytes) -> None:
    assert form_of(header) in Format
    assert coding_of(header) in {"", "gzip", "br"}
