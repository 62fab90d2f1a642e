"""The parts of an address, as OpenAPI describes them."""

from typing import Annotated

from litestar.params import PathParameter

PlanKey = Annotated[str, PathParameter(description="A plan, such as shanghai-credit-2023.")]
TaskNumber = Annotated[int, PathParameter(description="The task's key in its plan, minted once and never reused.")]
UnitKey = Annotated[str, PathParameter(description="A unit or group, such as shi-ke-wei.")]
Code = Annotated[str, PathParameter(description="GB/T 2260 code of a district, such as 310101.")]
At = Annotated[int, PathParameter(description="A position in the log, from 1.")]
