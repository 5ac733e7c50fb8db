"""What the worker does for emails. Every task reads the clock and calls a domain function."""

import time

from django.utils import timezone

from campaigns.sending import send_due

AT_ONCE = 1_000
SECONDS = 50  # less than the minute until the next one


def send() -> None:
    """Send what is due, until nothing is or the minute ends."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        if not send_due(now=timezone.now(), clock=timezone.now, limit=AT_ONCE):
            return
