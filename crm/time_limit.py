"""Stopping what takes the database too long."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from django.db import OperationalError, connection, transaction

QUERY_CANCELED = "57014"
STEPS = 10_000  # of SQLite's virtual machine between two looks at the clock


class TookTooLong(Exception):
    """A statement was stopped because it took longer than ``seconds``."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        super().__init__(f"stopped after {seconds} seconds")


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Let no statement within take longer. Raises `TookTooLong` when one was stopped.

    On SQLite all of them together have that time.
    """
    limits: dict[str, Callable[[float], AbstractContextManager[None]]] = {
        "postgresql": _statement_timeout,
        "sqlite": _progress_handler,
    }
    try:
        with limits[connection.vendor](seconds):
            yield
    except OperationalError as error:
        if _was_stopped(error):
            raise TookTooLong(seconds) from error
        raise


@contextmanager
def _statement_timeout(seconds: float) -> Iterator[None]:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('statement_timeout')")
        (before,) = cursor.fetchone()
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{max(1, int(seconds * 1000))}ms"])
        yield
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [before])


@contextmanager
def _progress_handler(seconds: float) -> Iterator[None]:
    # No transaction here: on SQLite it would keep everybody else from writing.
    connection.ensure_connection()
    raw: sqlite3.Connection = connection.connection
    end = time.monotonic() + seconds
    raw.set_progress_handler(lambda: time.monotonic() > end, STEPS)
    try:
        yield
    finally:
        raw.set_progress_handler(None, 0)


def _was_stopped(error: OperationalError) -> bool:
    cause = error.__cause__
    names = {getattr(cause, "sqlite_errorname", None), getattr(cause, "sqlstate", None)}
    return bool(names & {"SQLITE_INTERRUPT", QUERY_CANCELED})
