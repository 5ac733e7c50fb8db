"""Which process does a refresh, so that one that was killed is noticed at once on its own machine.

Elsewhere its lease has to run out. Taking a refresh over from a process that lives after all is harmless: the older
one finds another token and drops its work.
"""

from __future__ import annotations

import os
import socket


def this_process() -> str:
    """The name of this process: its machine and its number there."""
    return f"{socket.gethostname()[:80]}/{os.getpid()}"


def is_gone(owner: str) -> bool:
    """Whether the process ran on this machine and no longer does."""
    host, _separator, number = owner.rpartition("/")
    if not number or host != socket.gethostname()[:80]:
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
