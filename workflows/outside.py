"""What comes of doing something outside of the database, when it does not simply succeed."""

from __future__ import annotations

from datetime import timedelta


class TryLater(Exception):
    """It did not succeed this time. ``after`` is how long the other side wants to be left alone.

    ``for_all`` says that it is not about this one delivery: others to the same place would fare no better now.
    """

    def __init__(self, text: str, *, after: timedelta | None = None, for_all: bool = False) -> None:
        super().__init__(text)
        self.after = after
        self.for_all = for_all


class Refused(Exception):
    """It will not succeed: trying again would only do the same again."""
