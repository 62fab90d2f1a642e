"""Which of two processes runs which tests (`make test`, pytest-xdist), and that what measures the clock runs alone.

A file's tests stay together, since they share what its fixtures make. One process takes files from the front, the
fast ones first, the other the longest ones and then from the back; so both end at about the same time. Then one of them
ends for good, and only when it is gone does the other begin what is to run alone: nothing of ours runs beside that.
"""

from typing import Any, Final

import pytest
from xdist.scheduler import LoadScopeScheduling  # pyright: ignore[reportMissingTypeStubs] - it has types of its own

# Files and tests whose bounds are of the clock on the wall, in fractions of a second or close to what they measure, and
# those that look at what everybody makes on this machine. Processor time needs less care, but where hundredths of a
# second are the bound, whoever else fills the processor's caches would count too.
ALONE: Final = (
    "tests/attacks/test_commands.py",
    "tests/attacks/test_fuzz.py",
    "tests/attacks/test_graphql.py",
    "tests/attacks/test_long_histories.py",
    "tests/attacks/test_sockets.py::test_thousands_of_sockets_that_dribble_delay_nobody",
    "tests/attacks/test_waits.py",
    "tests/attacks/test_disks.py",
    "tests/attacks/test_command_line.py::test_a_step_that_never_ends_does_not_hold_a_server_that_is_told_to_stop",
    "tests/attacks/test_command_line.py::test_a_database_that_was_stopped_does_not_hold_it_either",
    "tests/attacks/test_command_line.py::test_a_start_does_not_wait_for_a_stopped_server_that_was_left_behind",
    "tests/attacks/test_command_line.py::test_sigterm_during_the_start_leaves_nothing_behind",
    "tests/attacks/test_command_line.py::test_what_only_reads_or_writes_on_makes_no_record",
    "tests/browser",
)
# Half a minute and more each: begun last, one of them would keep a process waiting for the other.
LONG: Final = (
    "tests/integration/test_serve.py",
    "tests/integration/test_memory.py",
    "tests/attacks/test_backups.py",
    "tests/integration/test_workers.py",
    "tests/attacks/test_command_line.py",
    "tests/integration/test_paging.py",
    "tests/integration/test_kill.py",
    "tests/integration/test_postgres.py",
    "tests/contract/test_schemathesis.py",
)
_LAST: Final = "alone"


class TwoEnds(LoadScopeScheduling):
    """Files from both ends, and last, for the one process that is left, whatever is to run alone."""

    def __init__(self, config: pytest.Config, log: Any) -> None:
        config.option.loadscopereorder = False  # xdist would begin with the files of many tests, which are short ones
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        return _LAST if nodeid.startswith(ALONE) else nodeid.partition("::")[0]

    def _files(self) -> list[str]:
        return [one for one in self.workqueue if one != _LAST]

    def _assign_work_unit(self, node: Any) -> None:
        files = self._files()
        if files:
            long = [one for one in LONG if one in files]
            chosen = files[0] if node is self.nodes[0] else [*long, files[-1]][0]
            self.workqueue.move_to_end(chosen, last=False)
        elif len(self.nodes) > 1:
            return
        super()._assign_work_unit(node)

    def _reschedule(self, node: Any) -> None:
        if self._files() or not self.workqueue or len(self.nodes) == 1:
            super()._reschedule(node)
        elif not any(one.shutting_down for one in self.nodes):
            node.shutdown()

    def remove_node(self, node: Any) -> str | None:
        """A process has ended: perhaps the other is alone now."""
        crashed = super().remove_node(node)
        for one in self.nodes:
            self._reschedule(one)
        return crashed
