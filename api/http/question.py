"""What is asked: read once from a request, at the door, into one typed value. Nobody else reads the request."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal
from urllib.parse import parse_qsl, quote, unquote_to_bytes

import msgspec
from litestar import Request
from litestar.datastructures import State
from werkzeug.datastructures import Accept, MIMEAccept
from werkzeug.http import parse_accept_header, parse_options_header

from api.http.audience import NOBODY, Audience, audience_of
from api.http.formats import EXPORTED, LINK_FORMAT, ExportForm, FeedForm, Format, PlanForm, Suffix
from api.http.traces import Trace
from api.services.phrases import Sentence
from api.services.problems import Fault, Trouble, echo, unknown_address
from api.services.reader import Reader

LONGEST_HEADER: Final = 8_000  # bytes of one header that is read here
MOST_PARAMETERS: Final = 100  # of a query; no address knows half as many
LISTS: Final = frozenset(  # several lines are one list (RFC 9110 5.3)
    {b"accept", b"accept-encoding", b"accept-language", b"if-none-match"}
)
SINGLE: Final = frozenset(
    {b"host", b"content-type", b"content-length", b"accept-datetime", b"authorization", b"idempotency-key"}
    | {b"last-event-id", b"range", b"if-range"}
)
HEADERS_READ: Final = LISTS | SINGLE
HOST: Final = re.compile(rb"(?:[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
PLAIN: Final = re.compile(
    rb"[A-Za-z0-9._~:-]+=[A-Za-z0-9._~:-]+(?:&[A-Za-z0-9._~:-]+=[A-Za-z0-9._~:-]+)*"
)  # no %, no +
GRAPHQL: Final = ("application/json", "application/graphql-response+json")
STREAM: Final = "/v1/stream"
PROOF: Final = ("text/plain", "application/json")
CLOUDEVENTS: Final = "application/cloudevents-batch+json"
# What is answered where, that is no list and not JSON alone; the first is what whoever names none is answered.
RESULTS: Final = (
    (re.compile("/graphql"), GRAPHQL),
    (re.compile("/v1/events/[0-9]+/proof"), PROOF),
    (re.compile(STREAM), ("text/event-stream",)),
    (re.compile("/v1/.+/timemap"), (LINK_FORMAT,)),
)
FORMS: Final = {"application/json": Format.JSON, "application/x-ndjson": Format.NDJSON, "text/csv": Format.CSV}
SUFFIXES: Final[Mapping[str, Mapping[str, Suffix]]] = {  # below which addresses may end in which
    EXPORTED: {one.value: one for one in ExportForm},
    "/v1/": {one.value: one for forms in (Format, PlanForm) for one in forms},
    "/feeds/": {one.value: one for one in FeedForm},
}
DEFAULT_SUFFIX: Final = {EXPORTED: f".{ExportForm.CSV}", "/feeds/": f".{FeedForm.ATOM}"}  # of what never lacks one
SCOPE: Final = "planrecord.question"
Coding = Literal["", "gzip", "br"]  # of a body: as it is, or packed by one of these

_BEFOREHAND: Final = b"access-control-request-method"

Headers = Mapping[bytes, bytes]


class Question(msgspec.Struct, frozen=True, kw_only=True, cache_hash=True):
    """All that an answer can depend on, but for a body; what is remembered is remembered by these and nothing else.

    `path` is decoded and without the `suffix` that asks for a form; `form` is what that suffix, or else Accept, asks of
    a list. `query` holds each parameter once, by name. `packed`: how a body may come. `then` is Accept-Datetime.
    `audience`: who it is told to, in which language.
    `json_taken`: Accept takes JSON. `result` is the media type of RESULTS, or of CloudEvents, that is preferred, empty
    where none of them is taken. `last_event_id`: where a client's stream of events broke off. `range`, `if_range`: the
    part of a file that is asked for, and of which one.
    """

    method: str  # HEAD is asked as GET is
    path: str
    suffix: Suffix | None
    form: Format
    query: tuple[tuple[str, str], ...]
    packed: Coding
    then: str | None = None
    media_type: str = ""
    json_taken: bool = True
    result: str = ""
    last_event_id: str | None = None
    range: str | None = None
    if_range: str | None = None
    audience: Audience = NOBODY

    @property
    def parameters(self) -> dict[str, str]:
        """The query's parameters by name."""
        return dict(self.query)

    @property
    def whole(self) -> bool:
        """Whether a whole list is asked for, however long it is."""
        return isinstance(self.suffix, Format) and all(name != "limit" for name, _ in self.query)

    @property
    def waits(self) -> bool:
        """Whether the answer may come late, as the question waits for the log to grow: nobody shares such a wait."""
        return self.path == STREAM or any(name == "waitSeconds" for name, _ in self.query)

    @property
    def address(self) -> str:
        """The path as it was asked for, its suffix included."""
        return f"{self.path}.{self.suffix}" if self.suffix else self.path

    @property
    def route(self) -> str:
        """Where the application has its handler: that of a standard's form lies below the handler of the plan."""
        return f"{self.path}/.{self.suffix}" if isinstance(self.suffix, PlanForm) else self.path


class Credentials(msgspec.Struct, frozen=True):
    """What a request that writes says beside its question: who writes, and under which key it may be repeated."""

    authorization: str | None = None
    idempotency_key: str | None = None


class Asked(msgspec.Struct, frozen=True):
    """A question with what stands beside it and the reader that answers it: all that a handler is given.

    `content` is the body where the door has read it: of a GraphQL query. `trace` and `listener`, who is told of it and
    in which language, are for what goes wrong.
    """

    question: Question
    content: bytes
    credentials: Credentials
    reader: Reader
    trace: Trace
    listener: Audience


class Ask(Request[Any, Any, State]):
    """A request as handlers see it: its question, already read, and the reader that answers it."""

    def __init__(self, scope: Any, *messages: Any, **others: Any) -> None:
        super().__init__(scope, *messages, **others)
        asked: Asked = scope[SCOPE]
        self.question: Question = asked.question
        self.content: bytes = asked.content
        self.credentials: Credentials = asked.credentials
        self.reader: Reader = asked.reader
        self.trace: Trace = asked.trace
        self.listener: Audience = asked.listener


def handed(scope: Mapping[str, Any], asked: Asked) -> dict[str, Any]:
    """The scope with which the application behind is called: nobody there reads the headers for a second time.

    But for what a browser asks beforehand, which is none of our questions.
    """
    question = asked.question
    beforehand = question.method == "OPTIONS" and any(name == _BEFOREHAND for name, _ in scope["headers"])
    return {
        **scope,
        "method": question.method,
        "path": question.route,
        "raw_path": question.route.encode(),
        "headers": scope["headers"] if beforehand else [],
        SCOPE: asked,
    }


class Elsewhere(Exception):
    """The resource has one address, and this is another spelling of it: `location` is where it is."""

    def __init__(self, location: str) -> None:
        super().__init__(location)
        self.location = location


def headers_of(scope: Mapping[str, Any]) -> Headers:
    """The headers that are read here; Trouble if one that must stand alone is repeated, or is absurdly long."""
    found: dict[bytes, bytes] = {}
    for name, value in scope["headers"]:
        if name not in HEADERS_READ:
            continue
        if name in found:
            if name in SINGLE:
                raise _wrong_header(name, "is given twice: give it once")
            value = b"%b, %b" % (found[name], value)  # noqa: PLW2901 - several lines are one list
        if len(value) > LONGEST_HEADER:
            raise _wrong_header(name, f"has more than {LONGEST_HEADER:,} bytes")
        found[name] = value
    return found


def _wrong_header(name: bytes, what: str) -> Trouble:
    title = name.decode().title()
    return Trouble(400, "bad_header", f"the header {title} {what}", [Fault(title, what)])


def question_of(scope: Mapping[str, Any], headers: Headers) -> Question:
    """The question that a request asks, its body apart; Trouble if it cannot be read, Elsewhere if it has moved."""
    if not HOST.fullmatch(headers.get(b"host", b"")):
        raise _wrong_header(b"host", "names one host and perhaps a port, as in example.org:8000")
    path, suffix = _path(scope)
    method = scope["method"]
    then, media_type = headers.get(b"accept-datetime"), headers.get(b"content-type")
    last = headers.get(b"last-event-id") if path == STREAM else None
    parted = path.startswith(EXPORTED) and method == "GET"  # which alone has ranges (RFC 9110, 14.2)
    part = (headers.get(b"range"), headers.get(b"if-range")) if parted else (None, None)
    query = query_of(scope["query_string"])
    return Question(
        method="GET" if method == "HEAD" else method,
        path=path,
        suffix=suffix,
        form=suffix if isinstance(suffix, Format) else form_of(headers.get(b"accept", b"")),
        query=query,
        packed=coding_of(headers.get(b"accept-encoding", b"")),
        then=then.decode("latin-1") if then else None,
        media_type=parse_options_header(media_type.decode("latin-1"))[0].lower() if media_type else "",
        json_taken=bool(suffix) or json_taken(headers.get(b"accept", b"")),
        result="" if suffix else result_of(headers.get(b"accept", b""), path),
        last_event_id=last.decode("latin-1") if last else None,
        range=part[0].decode("latin-1") if part[0] else None,
        if_range=part[1].decode("latin-1") if part[1] else None,
        audience=audience_of(path, dict(query).get("lang"), headers),
    )


def credentials_of(headers: Headers) -> Credentials:
    """The credentials of a request that writes."""
    given = (headers.get(name) for name in (b"authorization", b"idempotency-key"))
    return Credentials(*(value if value is None else value.decode("latin-1") for value in given))


def _path(scope: Mapping[str, Any]) -> tuple[str, Suffix | None]:
    """The path without its suffix, and the suffix. Each resource has one address; any other spelling is told so."""
    raw: bytes = scope["raw_path"]
    try:
        path = unquote_to_bytes(raw).decode()
    except UnicodeDecodeError as error:
        raise unknown_address("the path is no UTF-8: percent-encode it as UTF-8") from error
    if b"%2f" in raw.lower():
        raise unknown_address(f"a path holds no encoded slash: it is {echo(path)}, if anywhere")
    if "//" in path:
        raise unknown_address(f"a path holds no empty part: it is {echo(re.sub('/+', '/', path))}, if anywhere")
    if len(path) > 1 and path.endswith("/"):
        query = quote(scope["query_string"], safe="=&%+:,;/?@!$'()*~-._")
        raise Elsewhere(quote(path[:-1]) + (f"?{query}" if query else ""))
    return _split(path)


def _split(path: str) -> tuple[str, Suffix | None]:
    """A path and the form that its suffix asks for; no id has a dot."""
    above, _, last = path.rpartition("/")
    stem, dot, suffix = last.rpartition(".")
    below = next((below for below in SUFFIXES if path.startswith(below)), None)
    if not (dot and stem and suffix.isalnum()) or below is None:
        return path, None
    forms = SUFFIXES[below]
    if suffix not in forms:
        right = f"{above}/{stem}{DEFAULT_SUFFIX.get(below, '')}"
        raise unknown_address(f"nothing has the suffix .{echo(suffix)}: it is {echo(right)}, if anywhere")
    return f"{above}/{stem}", forms[suffix]


def query_of(query_string: bytes) -> tuple[tuple[str, str], ...]:
    """Names and values, each name once, in one order; Trouble unless they are UTF-8, percent-encoded or as it is."""
    if not query_string:
        return ()
    if PLAIN.fullmatch(query_string) and query_string.count(b"&") < MOST_PARAMETERS:
        return _sorted([_halves(one) for one in query_string.decode().split("&")])
    try:
        items = parse_qsl(
            query_string.decode(), keep_blank_values=True, errors="strict", max_num_fields=MOST_PARAMETERS
        )
    except UnicodeDecodeError as error:
        raise Trouble(400, "broken_utf8", "the query is no UTF-8: percent-encode it as UTF-8") from error
    except ValueError as error:
        detail = f"a query has at most {MOST_PARAMETERS} parameters"
        raise Trouble(400, "too_many_parameters", detail) from error
    return _sorted(items)


def _halves(pair: str) -> tuple[str, str]:
    name, _, value = pair.partition("=")
    return name, value


def _sorted(items: list[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Whatever order they came in, one question has one address."""
    if len({name for name, _ in items}) != len(items):
        raise _repeated([name for name, _ in items])
    return tuple(sorted(items))


def _repeated(names: list[str]) -> Trouble:
    twice = sorted({name for name in names if names.count(name) > 1})  # at most MOST_PARAMETERS of them
    said = ", ".join(echo(name, 40) for name in twice[:5])
    faults = [Fault(echo(one, 40), "repeated") for one in twice[:5]]
    return Trouble(400, "repeated_parameter", Sentence("detail.repeated", names=said), faults)


def form_of(header: bytes) -> Format:
    """The form that a client prefers; JSON where it takes none of ours. What stands behind a `;` makes no other."""
    best = _preferred(header, list(FORMS))
    return FORMS[best] if best else Format.JSON


def json_taken(header: bytes) -> bool:
    """Whether Accept takes JSON."""
    return _preferred(header, ("application/json",)) is not None


def result_of(header: bytes, path: str) -> str:
    """The media type that a client prefers where an address has several; empty where it takes none of them.

    Of a list, which has its forms, it is empty too, unless the one is preferred that only this list has.
    """
    if path == "/v1/events":
        best = _preferred(header, [*FORMS, CLOUDEVENTS])
        return CLOUDEVENTS if best == CLOUDEVENTS else ""
    return _preferred(header, results_at(path)) or ""


def results_at(path: str) -> Sequence[str]:
    """The media types of RESULTS of an address; none for one that is a list, or answers in JSON alone."""
    return next((types for where, types in RESULTS if where.fullmatch(path)), ())


def _preferred(header: bytes, types: Sequence[str]) -> str | None:
    """Which of these media types Accept prefers (RFC 9110, 12.5.1), the first where it has no say; None: none is taken.

    Java's own clients send `q=.2`, which has no such form and means what it says.
    """
    given = parse_accept_header(header.decode("latin-1").replace("q=.", "q=0."), MIMEAccept)
    ranges = [(value.partition(";")[0].strip(), quality) for value, quality in given]
    if not any("/" in value for value, _ in ranges):
        return next(iter(types), None)
    return MIMEAccept(ranges).best_match(types)


def coding_of(header: bytes) -> Coding:
    """How Accept-Encoding has a body come (RFC 9110, 12.5.3): br is smaller, unless gzip, or neither, is preferred."""
    if not header:
        return ""
    given = parse_accept_header(header.decode("latin-1"), Accept)
    br, gzip = given["br"], given["gzip"]
    plain = given["identity"] if "identity" in {one.lower() for one in given.values()} else 0
    if not max(br, gzip) or max(br, gzip) < plain:
        return ""
    return "br" if br >= gzip else "gzip"
