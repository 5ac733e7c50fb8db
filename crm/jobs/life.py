"""Whether the worker that does a job still lives: while it does, a thread of it says so in the cache every few seconds.

The database is no place for it: a worker that waits for SQLite's write lock is busy, not dead.
"""

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Event, Thread
from uuid import UUID

from django.core.cache import cache
from django.db import connections

from crm.models import Job

logger = logging.getLogger(__name__)

BEAT = 5.0  # seconds between two signs of life
SILENCE = 20  # seconds after which a worker without one counts as dead


def _key(claim: UUID | None) -> str:
    return f"job-life:{claim}"


@contextmanager
def sign_of_life(claim: UUID | None) -> Iterator[None]:
    """Give signs of life for a claimed job while the context lasts."""
    over = Event()
    cache.set(_key(claim), True, SILENCE)
    thread = Thread(target=_beat, args=(claim, over), name=f"job-life-{claim}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        cache.delete(_key(claim))


def _beat(claim: UUID | None, over: Event) -> None:
    try:
        while not over.wait(BEAT):
            try:
                cache.set(_key(claim), True, SILENCE)
            except Exception:
                logger.exception("the cache did not take a sign of life")
    finally:
        connections.close_all()


def silent(jobs: Sequence[Job]) -> list[Job]:
    """Those of the jobs whose worker is dead.

    A cache may lose what it holds, and a job that was taken up just now has given no sign yet: who seems dead is
    looked at again after the time in which a living worker would have spoken.
    """
    suspects = _without_sign(jobs)
    if suspects:
        time.sleep(1.2 * BEAT)
        suspects = _without_sign(suspects)
    return suspects


def _without_sign(jobs: Sequence[Job]) -> list[Job]:
    signs = cache.get_many([_key(job.claim) for job in jobs])
    return [job for job in jobs if _key(job.claim) not in signs]
