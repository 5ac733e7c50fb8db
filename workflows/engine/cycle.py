"""When the engine runs: about once a second in the worker, and at once for a visitor whose page waits for an answer."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from time import sleep

from django.db import InterfaceError, OperationalError, close_old_connections
from django.utils import timezone

from workflows.engine.claiming import due_of
from workflows.engine.taking_in import take_arrivals, take_in
from workflows.engine.working import work_batch, work_due

logger = logging.getLogger(__name__)

AT_WORK = timedelta(seconds=55)  # a new task takes over every minute
PAUSE = 1.0  # seconds between two looks when there was nothing to do
MOST_NODES_AT_ONCE = 50  # of a visitor who waits for an answer; the worker does the rest


def tick(*, now: datetime, limit: int | None = None) -> int:
    """Take in what happened and work what is due; returns how much that was."""
    return take_in(now=now) + work_due(now=now, limit=limit)


def keep_working(*, clock: Callable[[], datetime] = timezone.now, pause: Callable[[float], None] = sleep) -> None:
    """Go on until the next task takes over."""
    until = clock() + AT_WORK
    while clock() < until:
        try:
            busy = tick(now=clock(), limit=50_000)
        except (OperationalError, InterfaceError):
            # Such as a lock that was waited for too long: all was undone, and is tried again.
            logger.warning("the database did not let workflows go on", exc_info=True)
            busy = 0
        if not busy:
            close_old_connections()
            pause(PAUSE)


def react(contact_ids: Collection[int], *, now: datetime) -> None:
    """Take in what has just happened to some contacts, and if that was anything, let their runs go on as far as they
    can."""
    if not contact_ids or not take_arrivals(now=now, contact_ids=contact_ids):
        return
    for _round in range(MOST_NODES_AT_ONCE):
        due = due_of(contact_ids, now=now)
        if not due:
            return
        for (version_id, node_id), run_ids in due.items():
            work_batch(version_id, node_id, now=now, only=run_ids)
