"""The figures of a segment as plain tables, for the files that people download."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from segments.analytics.comparison import Amount, Shares
from segments.analytics.history import Period
from segments.analytics.overlap import Overlap

PRECISE = 4  # decimals


@dataclass(frozen=True)
class Table:
    header: list[str]
    rows: list[list[Any]]


def size_table(periods: Iterable[Period]) -> Table:
    header = [_("From"), _("To"), _("Contacts at the end")]
    return Table(header, [[one.first, one.last, one.size] for one in periods])


def moves_table(periods: Iterable[Period]) -> Table:
    header = [_("From"), _("To"), _("Entered"), _("Left")]
    return Table(header, [[one.first, one.last, one.entered, one.left] for one in periods])


def shares_table(heading: str, shares: Shares) -> Table:
    header = [heading, _("Segment"), _("Segment, %"), _("All contacts"), _("All contacts, %"), _("Ratio")]
    return Table(
        header,
        [
            [
                one.label,
                one.inside,
                _rounded(one.inside_share),
                one.everywhere,
                _rounded(one.everywhere_share),
                _rounded(one.ratio),
            ]
            for one in shares.lines
        ],
    )


def amounts_table(amounts: Iterable[Amount]) -> Table:
    header = [_("Figure"), _("Segment"), _("All contacts"), _("Share of all, %"), _("Ratio")]
    return Table(
        header,
        [
            [one.label, _rounded(one.inside), _rounded(one.everywhere), _rounded(one.share), _rounded(one.ratio)]
            for one in amounts
        ],
    )


def overlap_table(found: Overlap) -> Table:
    """A row for each combination, with a column for each other segment that says whether its members are in it."""
    header = [*(other.name for other in found.others), _("Contacts"), _("Segment, %")]
    rows = [
        [*(_in(other in one.others) for other in found.others), one.count, _rounded(one.share)]
        for one in found.combinations
    ]
    return Table(header, rows)


def _in(is_in: bool) -> str:
    return _("Yes") if is_in else _("No")


def _rounded(number: Any) -> Any:
    return None if number is None else round(number, PRECISE)
