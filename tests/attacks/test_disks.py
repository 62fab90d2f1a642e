"""What needs a disk of its own, for whoever may not mount one: in a namespace where he may."""

import os
import subprocess
import sys
from typing import Final

import pytest

from tests.disks import IN_A_NAMESPACE, NAMESPACE, may_mount
from tests.integration.commands import PROJECT

LEFT_OUT: Final = (
    "LEFT OUT: what a full disk and one that may only be read do to a server. To make such disks the kernel asks for "
    "root, or for a user namespace, and here it gives neither. Run `make test` as root, as .ci/run is run, and these "
    "tests run too. What the kernel said: "
)

if not may_mount():

    def test_what_needs_a_disk_of_its_own_passes_where_one_may_be_mounted() -> None:
        allowed = subprocess.run((*IN_A_NAMESPACE, "true"), capture_output=True, text=True, check=False)  # noqa: S603 - our own words
        if allowed.returncode != 0:
            pytest.skip(LEFT_OUT + allowed.stderr.strip())
        command = (*IN_A_NAMESPACE, sys.executable, "-m", "pytest", "-q", "-m", "disk", "tests/attacks")
        env = {**os.environ, NAMESPACE: "yes"}
        done = subprocess.run(command, cwd=PROJECT, env=env, capture_output=True, text=True, check=False)  # noqa: S603 - our own words
        assert done.returncode == 0, done.stdout  # 5 where none is found
