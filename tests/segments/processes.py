"""Workers as processes that can be stopped at a place, let go on, and killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import IO

from django.db import connection

from segments.models import Segment

PATIENCE = 60
KEY = 0x484F4C44  # the advisory lock that holds workers on PostgreSQL
HELD = """
SELECT DISTINCT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND NOT granted
"""
PLACES = {
    "evaluation": (
        """ALTER FUNCTION muster_fold(text) RENAME TO plain_fold""",
        f"""CREATE FUNCTION muster_fold(text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN
            PERFORM pg_advisory_xact_lock_shared({KEY}); RETURN plain_fold($1); END $$""",
    ),
    "write": (
        f"""CREATE FUNCTION hold_here() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            PERFORM pg_advisory_xact_lock_shared({KEY}); RETURN NEW; END $$""",
        """CREATE TRIGGER hold_here BEFORE INSERT ON segments_membership FOR EACH ROW EXECUTE FUNCTION hold_here()""",
    ),
}
FREED = {
    "evaluation": ("DROP FUNCTION muster_fold(text)", "ALTER FUNCTION plain_fold(text) RENAME TO muster_fold"),
    "write": ("DROP TRIGGER hold_here ON segments_membership", "DROP FUNCTION hold_here()"),
}


def eventually(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"it did not happen: {what}"
        time.sleep(0.02)


class Worker:
    """A running `tests.segments.worker`."""

    def __init__(self, what: str, segment: Segment | None, now: datetime, place: str) -> None:
        what_and_when = [what, str(segment.pk if segment else 0), now.isoformat(), place]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.segments.worker", *what_and_when],
            env=os.environ | {"DATABASE_URL": database_url()},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def line(self) -> str:
        return pipe(self.process.stdout).readline().strip()

    def goes_on(self) -> None:
        pipe(self.process.stdin).write("\n")
        pipe(self.process.stdin).flush()

    def is_killed(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        assert self.process.wait(PATIENCE) == -signal.SIGKILL

    def is_done(self) -> None:
        assert self.line() == "done"
        assert self.process.wait(PATIENCE) == 0


class Place:
    """Where workers stop."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.workers: list[Worker] = []

    def worker(self, what: str, segment: Segment | None = None, *, now: datetime) -> Worker:
        """Start a worker and wait until it has stopped at the place."""
        worker = Worker(what, segment, now, self.name)
        self.workers.append(worker)
        if connection.vendor == "sqlite":
            assert worker.line() == "held"
        else:
            eventually(lambda: len(held()) == len(self.workers), f"the worker is held in the {self.name}")
        return worker

    def is_left(self) -> None:
        """Let everybody go on who was not killed."""
        if connection.vendor == "postgresql":
            execute(f"SELECT pg_advisory_unlock({KEY})")
            return
        for worker in self.workers:
            if worker.process.poll() is None:
                worker.goes_on()

    def is_gone(self) -> None:
        """Wait until the database has noticed that the workers were killed."""
        self.is_left()
        if connection.vendor == "postgresql":
            eventually(lambda: not others(), "PostgreSQL notices that the worker is gone")


@contextmanager
def stopping_at(name: str) -> Iterator[Place]:
    """Workers that are started inside stop at this place: in the ``evaluation`` or in the ``write``."""
    place = Place(name)
    if connection.vendor == "postgresql":
        execute(f"SELECT pg_advisory_lock({KEY})", *PLACES[name])
    try:
        yield place
    finally:
        for worker in place.workers:
            worker.process.kill()
            worker.process.wait()
            pipe(worker.process.stdin).close()
            pipe(worker.process.stdout).close()
        if connection.vendor == "postgresql":
            execute("SELECT pg_advisory_unlock_all()")
            eventually(lambda: not others(), "the workers are gone")
            execute(*FREED[name])


def pipe(stream: IO[str] | None) -> IO[str]:
    assert stream
    return stream


def execute(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def held() -> list[int]:
    """The server processes that stand at a place."""
    with connection.cursor() as cursor:
        cursor.execute(HELD, [KEY])
        return [pid for (pid,) in cursor.fetchall()]


def others() -> list[int]:
    """The server processes of everybody else in this database."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND backend_type = 'client backend'"
        )
        return [pid for (pid,) in cursor.fetchall()]


def database_url() -> str:
    """The address of the database that this test runs on, for another process."""
    name = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    return f"{os.environ['DATABASE_URL'].rpartition('/')[0]}/{name}"
