"""What the worker does for workflows. Every task reads the clock and calls a domain function."""

from __future__ import annotations

from workflows import engine


def work() -> None:
    """Take in what happened, and let every run that is due go on, for about a minute."""
    engine.keep_working()
