"""What the worker does for workflows. Every task reads the clock and calls a domain function."""

from __future__ import annotations

from django.core.cache import cache
from django.utils import timezone

from workflows import engine, records
from workflows.deliveries import deliver_due
from workflows.doubts import tell_of_doubts
from workflows.outbox import TOLD

MANY = 10_000


def work() -> None:
    """Take in what happened, and let every run that is due go on, for about a minute."""
    engine.keep_working()


def deliver() -> None:
    """Do what is due outside: webhooks, and notes to staff; and tell of emails of which nobody knows."""
    cache.delete(TOLD)
    tell_of_doubts(now=timezone.now())
    deliver_due(now=timezone.now(), clock=timezone.now, limit=MANY)


def clean_up() -> None:
    """Remove what runs, deliveries and tests left behind, when it has been kept for long enough."""
    records.remove_old(now=timezone.now())
