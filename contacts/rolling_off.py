"""Removing the oldest rows of a large table a chunk at a time, so that nobody waits for longer than one chunk takes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from contacts.json_rows import moment_writer

Report = Callable[[int, int, str], None]
"""Is told how many rows are done, of how many, and what that is in words."""

CHUNK = 1_000  # half of what a reader of the change log takes at once: its batch has room for what others write
PAUSE = 0.11  # seconds; on SQLite somebody who waits to write looks again after a tenth of a second at most


def silent(done: int, total: int, message: str) -> None:
    """Report progress to nobody."""


@dataclass(frozen=True)
class AgeingRows:
    """The rows of a table that belong together by the column ``kind`` and age by the column ``moment``.

    An index begins with these two.
    """

    table: str
    kind: str
    moment: str

    def oldest(self, kind: int | str, before: datetime) -> Any:
        """The moment of the oldest row of a kind, as the database has it; None when there is none from ``before``."""
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT MIN({self.moment}) FROM {self.table} WHERE {self.kind} = %s AND {self.moment} < %s",
                [kind, moment_writer()(before)],
            )
            (moment,) = cursor.fetchone()
        return moment

    def remove(self, kind: int | str, since: Any, before: datetime) -> tuple[int, Any]:
        """Remove the oldest rows of a kind, at most `CHUNK`, in the transaction of the caller.

        ``since`` is where the last chunk ended: what was removed before that is not looked at again. Returns how many
        went, and where to go on; None when these were the last ones. Rows that somebody else is about to delete or
        change are left out: two who delete the same rows in different orders would wait for each other in a circle.
        """
        unlocked = "FOR UPDATE SKIP LOCKED" if connection.features.has_select_for_update_skip_locked else ""
        with connection.cursor() as cursor:
            cursor.execute(
                f"""
                DELETE FROM {self.table} WHERE id IN (
                  SELECT id FROM {self.table} WHERE {self.kind} = %s AND {self.moment} >= %s AND {self.moment} < %s
                  ORDER BY {self.moment} LIMIT {CHUNK} {unlocked}
                ) RETURNING {self.moment}
                """,
                [kind, since, moment_writer()(before)],
            )
            moments = [moment for (moment,) in cursor.fetchall()]
        return len(moments), max(moments) if len(moments) == CHUNK else None


def let_others_write() -> None:
    """On SQLite, where nobody queues for the right to write, leave a gap in which somebody who waits gets it."""
    if connection.vendor == "sqlite":
        time.sleep(PAUSE)
