"""docker-compose.yml and Dockerfile, as far as they can be judged without an engine."""

import json
import re
import shlex
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import yaml

PROJECT = Path(__file__).parents[2]
FILE = PROJECT / "docker-compose.yml"
DOCKERFILE = (PROJECT / "Dockerfile").read_text()


def compose() -> dict[str, Any]:
    return yaml.safe_load(FILE.read_text())


def schema() -> dict[str, Any]:
    """The Compose specification's own, as a published package brings it."""
    found = files("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json"
    return json.loads(found.read_text(encoding="utf-8"))


def refusals(found: dict[str, Any]) -> list[str]:
    """What the specification has against it."""
    validator: Any = jsonschema.Draft202012Validator(schema())
    return [error.message for error in validator.iter_errors(found)]


def instructions(name: str) -> list[str]:
    """Arguments of each Dockerfile instruction of this name."""
    return re.findall(rf"^{name}\s+(.*)$", DOCKERFILE, re.MULTILINE)


def test_the_file_obeys_the_compose_specification() -> None:
    assert refusals(compose()) == []


def test_the_schema_does_refuse_what_is_wrong() -> None:
    wrong = compose()
    wrong["services"]["api"]["portz"] = []
    assert any("portz" in refusal for refusal in refusals(wrong))


def test_every_volume_that_is_mounted_is_declared_and_the_other_way_round() -> None:
    mounted = {volume.partition(":")[0] for service in compose()["services"].values() for volume in service["volumes"]}
    assert mounted == set(compose()["volumes"])


def test_what_the_api_waits_for_exists_and_says_when_it_is_healthy() -> None:
    services = compose()["services"]
    for name, wanted in services["api"]["depends_on"].items():
        assert wanted == {"condition": "service_healthy"}
        assert services[name]["healthcheck"]["test"][0] == "CMD"


def test_the_api_reaches_the_database_of_the_other_service_under_its_names() -> None:
    services = compose()["services"]
    database, api = services["db"]["environment"], services["api"]["environment"]
    assert api["DATABASE_URL"] == f"postgresql://{database['POSTGRES_USER']}@db:5432/{database['POSTGRES_DB']}"
    assert api["PGPASSWORD"] == database["POSTGRES_PASSWORD"]


def test_the_database_is_18_and_keeps_its_data_where_that_image_has_it() -> None:
    database = compose()["services"]["db"]
    assert database["image"] == "postgres:18"
    assert database["volumes"] == ["log:/var/lib/postgresql"]


def test_the_password_can_be_set_and_its_default_opens_nothing_to_others() -> None:
    services = compose()["services"]
    password = services["db"]["environment"]["POSTGRES_PASSWORD"]
    assert re.fullmatch(r"\$\{POSTGRES_PASSWORD:-.*-only\}", password)
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert [port.partition(":")[0] for port in ports] == ["127.0.0.1"]


def test_the_container_runs_the_api_itself_and_not_as_root() -> None:
    (command,) = (json.loads(argument) for argument in instructions("CMD"))
    assert command[:2] == ["/opt/planrecord/bin/planrecord", "serve"]
    assert instructions("USER") == ["planrecord"]
    assert f"{command[command.index('--port') + 1]}" in instructions("EXPOSE")


def test_what_the_image_copies_is_there_and_let_through() -> None:
    let_through = {line[1:] for line in (PROJECT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {name for line in instructions("COPY") if "--from" not in line for name in shlex.split(line)[:-1]}
    assert copied == let_through
    assert [name for name in sorted(copied) if not (PROJECT / name).exists()] == []


def test_the_image_holds_the_four_packages_that_the_distribution_names() -> None:
    targets = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]
    copied = {name for line in instructions("COPY") for name in shlex.split(line)}
    assert set(targets["wheel"]["packages"]) <= copied
