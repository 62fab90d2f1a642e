"""The parts of an address, as OpenAPI describes them, each with an example that is there in the real plan."""

from typing import Annotated, Any

from litestar import Request
from litestar.params import PathParameter

from api.problems import Trouble


def _part(description: str, example: Any, **schema: Any) -> PathParameter:
    return PathParameter(description=description, schema_extra={"examples": [example], **schema})


PlanKey = Annotated[str, _part("A plan, such as shanghai-credit-2023.", "shanghai-credit-2023")]
TaskNumber = Annotated[int, _part("The task's key in its plan, minted once and never reused.", 21, minimum=1)]
UnitKey = Annotated[str, _part("A unit or group, such as shi-ke-wei.", "shang-hai-yin-bao-jian-ju")]
Code = Annotated[str, _part("GB/T 2260 code of a district, such as 310101.", "310115")]
Ordinal = Annotated[int, _part("The number printed in the plan.", 3, minimum=1)]
PlatformKey = Annotated[str, _part("A named information system.", "yi-wang-tong-ban")]
At = Annotated[int, _part("A position in the log, from 1.", 353, minimum=1)]


async def one_spelling(request: Request[Any, Any, Any]) -> None:
    """Trouble for +1, 01 or 1_0: a number in an address has one spelling, and each thing one address."""
    parts = request.scope["path"].split("/")
    for value in request.path_params.values():
        if isinstance(value, int) and str(value) not in parts:
            raise Trouble(404, "not_found", f"there is nothing at this address: write {value} in digits alone")
