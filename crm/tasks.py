"""What the worker does for the project as a whole. Every task reads the clock and calls a domain function."""

from django.utils import timezone

from crm import jobs


def sweep_jobs() -> None:
    """Let jobs go on whose worker died."""
    jobs.sweep(now=timezone.now())


def remove_old_jobs() -> None:
    """Remove the records of jobs that have been over for long."""
    jobs.remove_old(now=timezone.now())
