"""What something costs: CPU time of this process and of its PostgreSQL backend, and time on the clock."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.db import connection


@dataclass
class Cost:
    """Milliseconds."""

    client: float = 0.0
    server: float = 0.0
    wall: float = 0.0

    @property
    def cpu(self) -> float:
        return self.client + self.server


@contextmanager
def measured() -> Iterator[Cost]:
    """Fills the cost in when the context ends. The connection must stay the same one inside."""
    backend = _backend()
    cost = Cost()
    before = time.perf_counter(), time.process_time(), on_cpu(backend)
    yield cost
    cost.wall = 1_000 * (time.perf_counter() - before[0])
    cost.client = 1_000 * (time.process_time() - before[1])
    cost.server = on_cpu(backend) - before[2]


def use_one_process() -> None:
    """Keep PostgreSQL from parallel scans: their time is spent in processes that cannot be told from others'.

    And keep the connection, whose process is the one that is measured, however long it lasts.
    """
    connection.close()
    connection.settings_dict["CONN_MAX_AGE"] = None
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET max_parallel_workers_per_gather = 0")


def _backend() -> int | None:
    """The process that serves our connection; None for SQLite, which works inside this one."""
    if connection.vendor != "postgresql":
        return None
    connection.ensure_connection()
    backend = connection.connection.info.backend_pid
    if not Path(f"/proc/{backend}/schedstat").exists():
        raise SystemExit("The PostgreSQL server must run on this machine, or its CPU time cannot be read.")
    return int(backend)


def on_cpu(process: int | None) -> float:
    """Milliseconds that a process has computed."""
    if process is None:
        return 0.0
    return int(Path(f"/proc/{process}/schedstat").read_text().split()[0]) / 1_000_000
