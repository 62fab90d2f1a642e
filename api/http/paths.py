"""The parts of an address, as OpenAPI describes them, each with an example that is there in the real plan."""

from typing import Annotated, Any

from litestar.params import PathParameter

from api.http.formats import FeedForm, Format, Suffix
from api.http.question import CLOUDEVENTS, FORMS, Question, results_at
from api.services.problems import Trouble, unknown_address
from projections.exports import EXPORTS


def _part(description: str, example: Any, **schema: Any) -> PathParameter:
    return PathParameter(description=description, schema_extra={"examples": [example], **schema})


PlanKey = Annotated[str, _part("A plan, such as shanghai-credit-2023.", "shanghai-credit-2023")]
TaskNumber = Annotated[int, _part("The task's key in its plan, minted once and never reused.", 21, minimum=1)]
UnitKey = Annotated[str, _part("A unit or group, such as shi-ke-wei.", "shang-hai-yin-bao-jian-ju")]
Code = Annotated[str, _part("GB/T 2260 code of a district, such as 310101.", "310115")]
Ordinal = Annotated[int, _part("The number printed in the plan.", 3, minimum=1)]
PlatformKey = Annotated[str, _part("A named information system.", "yi-wang-tong-ban")]
SchemaFile = Annotated[str, _part("The schema of a type of event.", "task.added.v1.schema.json")]
LogName = Annotated[str, _part("A log, by its random identity: 16 hex digits.", "9f1c3b5a7d2e4860")]
TilePath = Annotated[Any, _part("Which tile or bundle, as C2SP tlog-tiles writes it.", "/0/000")]
ExportName = Annotated[str, _part("What is exported.", "tasks", enum=[*EXPORTS])]
At = Annotated[int, _part("A position in the log, from 1.", 353, minimum=1)]


async def one_address(request: Any) -> None:
    """Trouble for +1, 01 or 1_0, and for a suffix that the resource does not have: each thing has one address.

    And for a read of which the client takes no form that there is.
    """
    question: Question = request.question
    for value in request.path_params.values():
        if isinstance(value, int) and str(value) not in question.path.split("/"):
            raise unknown_address(f"write {value} in digits alone")
    if question.method == "OPTIONS":  # which is asked of an address, whatever is there
        return
    described = request.route_handler.operation_class
    forms: frozenset[Suffix] = getattr(described, "forms", frozenset())
    if question.suffix is None and getattr(described, "needs_a_form", False):
        raise unknown_address(f"it is {' or '.join(_with(question.path, one) for one in sorted(forms))}")
    if question.suffix is not None and question.suffix not in forms:
        right = f"{question.path}.{FeedForm.ATOM}" if FeedForm.ATOM in forms else question.path
        raise unknown_address(f"this has no .{question.suffix}: it is {right}")
    if question.method == "GET" and question.path.startswith("/v1/") and question.suffix is None:
        _check_accepted(question, forms)


def _check_accepted(question: Question, forms: frozenset[Suffix]) -> None:
    """Trouble where Accept takes none of the media types that an address has; a suffix asks for one by itself."""
    results, listed = results_at(question.path), Format.JSON in forms
    if question.result or (not results and (question.json_taken or (listed and question.form != Format.JSON))):
        return
    types = [*(results or (FORMS if listed else ("application/json",)))]
    types += [CLOUDEVENTS] if question.path == "/v1/events" else []
    beside = f"; or ask for {' or '.join(_with(question.path, one) for one in sorted(forms))}" if forms else ""
    detail = f"this is {' or '.join(types)}: let Accept take that, or leave it out{beside}"
    raise Trouble(406, "not_acceptable", detail)


def _with(path: str, form: Suffix) -> str:
    """A path with a suffix, where somebody asked for the step below it that only handlers know."""
    return f"{path.removesuffix(f'/.{form}')}.{form}"
