"""What is generated into openapi/ and committed: `python -m api.openapi` writes it, a test fails when it drifts."""

import json
import sys
from pathlib import Path
from typing import Any, Final

import msgspec
from litestar import Litestar

from domain.commands import FACTS, AnyCommand

FOLDER: Final = Path(__file__).parent.parent / "openapi"


def openapi_json(app: Litestar) -> bytes:
    """The OpenAPI description of an application, with the bodies that its handlers read themselves."""
    from api.graphql.door import GraphQLRequest  # noqa: PLC0415 - this module is itself imported by a resource
    from api.resources.demo import Clock  # noqa: PLC0415

    described: dict[str, Any] = app.openapi_schema.to_schema()
    bodies = {"/v1/commands": AnyCommand | list[AnyCommand], "/v1/demo/clock": Clock, "/graphql": GraphQLRequest}
    schemas, components = msgspec.json.schema_components(bodies.values(), ref_template="#/components/schemas/{name}")
    for path, schema in zip(bodies, schemas, strict=True):
        described["paths"][path]["post"]["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": schema}},
        }
    described["components"]["schemas"] = components | described["components"]["schemas"]
    return pretty(described)


def pretty(value: Any) -> bytes:
    """JSON for people and for diffs: two blanks, one line each."""
    return json.dumps(value, ensure_ascii=False, indent=2, default=msgspec.to_builtins).encode() + b"\n"


def generated() -> dict[str, bytes]:
    """Every generated file by its name in openapi/."""
    from api.graphql.schema import SCHEMA  # noqa: PLC0415 - heavy, and needed by the generator alone
    from api.main import HANDLERS, openapi_config  # noqa: PLC0415

    app = Litestar(HANDLERS, openapi_config=openapi_config())
    facts = {f"events/{name}.schema.json": pretty(msgspec.json.schema(fact)) for name, fact in FACTS.items()}
    return {"openapi.json": openapi_json(app), "schema.graphql": f"{SCHEMA.as_str()}\n".encode(), **facts}


def write() -> None:
    """Write every generated file."""
    for name, content in generated().items():
        path = FOLDER / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    sys.stdout.write(f"openapi/: {len(generated())} files written\n")


if __name__ == "__main__":
    write()
