"""Settings come from the environment, are checked, and say what is wrong."""

import re
from pathlib import Path

import click
import pytest

from api.cli.serve import serve_command
from api.hosting.settings import Settings, environment_of, settings_from, variables
from events.demo import is_demo


def test_without_an_environment_everything_has_a_default() -> None:
    assert settings_from({}) == Settings()
    assert (settings_from({}).host, settings_from({}).port) == ("127.0.0.1", 8000)


def test_the_environment_is_read_under_its_prefix() -> None:
    environment = {"PLANRECORD_PORT": "9000", "PLANRECORD_DATA_DIR": "/srv/plan", "PLANRECORD_OFFICE": "office"}
    found = settings_from(environment)
    assert (found.port, found.data_dir, found.office) == (9000, Path("/srv/plan"), "office")


def test_what_belongs_to_others_is_left_alone() -> None:
    assert settings_from({"PORT": "1", "HOME": "/nowhere", "planrecord_port": "2"}) == Settings()


def test_what_is_given_wins_and_none_is_not_given() -> None:
    found = settings_from({"PLANRECORD_PORT": "9000", "PLANRECORD_HOST": "::1"}, port=9001, host=None)
    assert (found.port, found.host) == (9001, "::1")


def test_a_postgresql_of_ones_own_is_named_by_database_url() -> None:
    assert settings_from({"DATABASE_URL": "postgresql://a/b"}).database_url == "postgresql://a/b"
    assert settings_from({"DATABASE_URL": ""}).database_url is None


def test_the_prefixed_name_wins_over_database_url() -> None:
    both = {"DATABASE_URL": "postgresql://a/b", "PLANRECORD_DATABASE_URL": "postgresql://c/d"}
    assert settings_from(both).database_url == "postgresql://c/d"


def test_a_misspelt_setting_is_named_with_all_that_are_known() -> None:
    with pytest.raises(ValueError, match="unknown setting PLANRECORD_PROT; known: PLANRECORD_HOST, PLANRECORD_PORT"):
        settings_from({"PLANRECORD_PROT": "9000"})


def test_a_setting_of_the_wrong_kind_is_named() -> None:
    with pytest.raises(ValueError, match="settings: port: give a whole number, not many"):
        settings_from({"PLANRECORD_PORT": "many"})


@pytest.mark.parametrize("port", ["-1", "65536", "99999"])
def test_a_port_that_no_address_has_is_named(port: str) -> None:
    with pytest.raises(
        ValueError, match=rf"settings: port: give a whole number of at (least 0|most 65535), not {port}"
    ):
        settings_from({"PLANRECORD_PORT": port})


def test_an_origin_is_the_logs_own_unless_one_is_set() -> None:
    assert settings_from({}).origin is None
    assert settings_from({"PLANRECORD_ORIGIN": "example.org/plan"}).origin == "example.org/plan"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://example.org", "https://example.org"),
        ("https://example.org/", "https://example.org"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("https://example.org:8443/open/plan/", "https://example.org:8443/open/plan"),
    ],
)
def test_a_base_url_is_kept_without_a_slash_at_its_end(given: str, kept: str) -> None:
    assert settings_from({"PLANRECORD_BASE_URL": given}).base_url == kept


@pytest.mark.parametrize(
    "wrong",
    [
        *(
            "",
            "example.org",
            "ftp://example.org",
            "https://",
            "/plan",
            "https://example.org?",
            "https://example.org/a?b=1",
        ),
        *("https://example.org/#a", "https://a@example.org", "https://example.org:port", "https://example.org:99999"),
        *(
            "https://example.org/a b",
            "https://上海.cn",
            "https://example.org/\n",
            'https://example.org/"',
            "https://[::1",
        ),
    ],
)
def test_what_is_no_base_url_is_refused_at_the_start(wrong: str) -> None:
    with pytest.raises(ValueError, match=r"^settings: base_url: give an address as https://"):
        settings_from({"PLANRECORD_BASE_URL": wrong})


@pytest.mark.parametrize(
    ("origin", "demo"),
    [("planrecord.invalid/demo", True), ("planrecord.invalid/shanghai", False), ("planrecord.invalid/demo/2", False)],
)
def test_a_demo_is_known_by_its_origin(origin: str, demo: bool) -> None:  # noqa: FBT001 - the expected answer
    assert is_demo(origin) is demo


def test_readme_and_help_list_every_setting_with_its_default_and_what_it_is_for(pytestconfig: pytest.Config) -> None:
    readme = (pytestconfig.rootpath / "README.md").read_text("utf-8")
    listed = re.findall(r"^\| `([A-Z_]+)` +\| (?:`(.*?)`|-) +\| (.*?) +\|$", readme, re.MULTILINE)
    assert listed == [tuple(one) for one in variables()]
    help_ = serve_command.get_help(click.Context(serve_command))
    for one in variables():
        default = f" (default: {one.default})" if one.default else ""
        assert f"{one.variable}\n        {one.purpose}{default}\n" in help_ + "\n"
    assert len(variables()) == len(Settings.__struct_fields__)


def test_another_process_finds_the_same_settings_in_its_environment() -> None:
    some = Settings(port=9000, data_dir=Path("/srv/plan"), database_url="postgresql://a/b", metrics_port=0)
    for settings in (Settings(), some):
        assert settings_from(environment_of(settings)) == settings
