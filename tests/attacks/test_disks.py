"""What needs a disk of its own, for whoever may not mount one: in a namespace where he may."""

import os
import subprocess
import sys

import pytest

from tests.disks import IN_A_NAMESPACE, NAMESPACE, may_mount
from tests.integration.commands import PROJECT

if not may_mount():

    def test_what_needs_a_disk_of_its_own_passes_where_one_may_be_mounted() -> None:
        allowed = subprocess.run((*IN_A_NAMESPACE, "true"), capture_output=True, text=True, check=False)  # noqa: S603 - our own words
        if allowed.returncode != 0:
            pytest.skip(f"only root may mount a disk here, as this system gives no namespace: {allowed.stderr.strip()}")
        command = (*IN_A_NAMESPACE, sys.executable, "-m", "pytest", "-q", "-m", "disk", "tests/attacks")
        env = {**os.environ, NAMESPACE: "yes"}
        done = subprocess.run(command, cwd=PROJECT, env=env, capture_output=True, text=True, check=False)  # noqa: S603 - our own words
        assert done.returncode == 0, done.stdout  # 5 where none is found
