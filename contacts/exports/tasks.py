"""What the worker does by itself."""

from django.utils import timezone

from contacts.exports import running


def remove_old() -> None:
    running.remove_old(now=timezone.now())
