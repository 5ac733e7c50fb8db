"""What the worker does for segments. Every task reads the clock and calls a domain function."""

from django.core.cache import cache
from django.utils import timezone

from segments import editing, indexes, refresh
from segments.facebook import in_step
from segments.refresh.records import forget_old_runs


def apply_changes() -> None:
    """Bring segments up to date with the change log, and refresh those that wait for it."""
    cache.delete("segments.apply_changes.queued")
    refresh.apply_changes(now=timezone.now())
    refresh.refresh_due(now=timezone.now())


def apply_time() -> None:
    """Bring segments up to date with the clock."""
    refresh.apply_time(now=timezone.now())
    refresh.refresh_due(now=timezone.now())


def audit() -> None:
    """Check all segments, and repair what is wrong."""
    refresh.audit(now=timezone.now())


def keep_indexes() -> None:
    """Make the indexes that segments need, and drop those that none needs any more."""
    indexes.keep_indexes()


def clean_up() -> None:
    """Remove what is kept only for a while: long deleted segments and the records of old runs."""
    editing.purge_deleted(now=timezone.now())
    forget_old_runs(now=timezone.now())


def keep_facebook_in_step() -> None:
    """Bring audiences at Facebook in line with their segments, in jobs."""
    in_step.keep_in_step(now=timezone.now())
