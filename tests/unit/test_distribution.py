"""Top-level names as plain as `api` belong to whoever takes them first: here nobody else may."""

from importlib.metadata import packages_distributions

import pytest


@pytest.mark.parametrize("name", ["api", "domain", "events", "projections"])
def test_no_other_distribution_brings_a_package_of_this_name(name: str) -> None:
    assert set(packages_distributions().get(name, ["planrecord"])) == {"planrecord"}


@pytest.mark.parametrize("name", ["api", "domain", "events", "projections"])
def test_the_package_that_is_imported_is_this_projects_own(name: str, pytestconfig: pytest.Config) -> None:
    module = __import__(name)
    assert module.__file__ is not None
    assert module.__file__ == str(pytestconfig.rootpath / name / "__init__.py")
