"""A program with all the processes that it starts, so that they can be ended together."""

import os
import signal
import subprocess
from collections.abc import Sequence


class ProcessGroup:
    """A running program in a process group of its own: a Ctrl-C in the terminal does not reach it by itself."""

    def __init__(self, name: str, command: Sequence[str]) -> None:
        self.name = name
        self._leader = subprocess.Popen(command, stdin=subprocess.DEVNULL, process_group=0)

    def leader_runs(self) -> bool:
        """Whether the program itself, which looks after the others, still runs."""
        return self._leader.poll() is None

    def how_it_ended(self) -> str:
        status = self._leader.returncode
        return f"by signal {-status}" if status < 0 else f"with status {status}"

    def ask_to_stop(self) -> None:
        """Ask the program to end its work in good order."""
        if self.leader_runs():
            self._leader.terminate()

    def kill(self) -> None:
        """End whatever is left of the group, and wait for the program itself."""
        try:
            os.killpg(self._leader.pid, signal.SIGKILL)
        except ProcessLookupError:
            return
        finally:
            self._leader.wait()
