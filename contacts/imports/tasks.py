"""What the worker does for imports by itself."""

from django.utils import timezone

from contacts.imports import cleanup, states


def remove_old() -> None:
    """Remove files and refused rows that are no longer needed."""
    cleanup.remove_old(now=timezone.now())


def follow_jobs() -> None:
    """Bring the states of imports in line with jobs that ended without them."""
    states.catch_up(now=timezone.now())
