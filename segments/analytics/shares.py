"""Shares and ratios, as all figures of a segment give them."""

from __future__ import annotations

from decimal import Decimal

Number = Decimal | float | None


def percent(part: Number, whole: Number) -> float | None:
    """How many in a hundred ``part`` is of ``whole``; None of nothing."""
    share = ratio(part, whole)
    return None if share is None else 100 * share


def ratio(one: Number, other: Number) -> float | None:
    """How many times as much ``one`` is as ``other``; None where one is missing or there is nothing to compare with."""
    return float(one) / float(other) if one is not None and other else None
