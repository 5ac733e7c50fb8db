"""The picture of an overlap: where its bars, dots and lines stand. The template draws them.

An UpSet plot: a column for each combination, with its number as a bar, and dots below for the segments that it is in.
"""

from __future__ import annotations

from dataclasses import dataclass

from segments.analytics.overlap import Combination, Overlap
from segments.models import Segment

LONGEST = 10  # combinations that are drawn; the table has all
BARS = 110  # how high the tallest bar is
HEAD = 22  # for the number above it
COLUMN = 36
ROW = 26
LABELS = 184  # how wide the names are
BAR = 24
LEAST = 2  # a bar that is there can be seen


@dataclass(frozen=True)
class Dot:
    y: int
    is_in: bool


@dataclass(frozen=True)
class Column:
    combination: Combination
    x: int
    top: float
    height: float
    dots: list[Dot]

    @property
    def bar_x(self) -> int:
        return self.x - BAR // 2

    @property
    def line(self) -> tuple[int, int] | None:
        """From the first dot to the last of those that are in; None for one alone."""
        inside = [dot.y for dot in self.dots if dot.is_in]
        return (inside[0], inside[-1]) if len(inside) > 1 else None


@dataclass(frozen=True)
class Label:
    segment: Segment
    y: int


@dataclass(frozen=True)
class Upset:
    columns: list[Column]
    labels: list[Label]
    left_out: int

    @property
    def width(self) -> int:
        return LABELS + COLUMN * len(self.columns)

    @property
    def height(self) -> int:
        return HEAD + BARS + ROW * len(self.labels) + ROW // 2

    @property
    def ground(self) -> int:
        return HEAD + BARS

    @property
    def bar(self) -> int:
        return BAR

    @property
    def label_x(self) -> int:
        return LABELS - COLUMN // 2


def upset(found: Overlap) -> Upset:
    """The picture of the largest combinations. The first row is the segment itself, which is in all of them."""
    drawn = found.combinations[:LONGEST]
    highest = max((one.count for one in drawn), default=1)
    segments = [found.segment, *found.others]
    heights = [max(BARS * one.count / highest, LEAST) for one in drawn]
    return Upset(
        columns=[
            Column(
                one,
                x=LABELS + COLUMN * number + COLUMN // 2,
                top=round(HEAD + BARS - height, 2),
                height=round(height, 2),
                dots=[Dot(_row(place), place == 0 or other in one.others) for place, other in enumerate(segments)],
            )
            for number, (one, height) in enumerate(zip(drawn, heights, strict=True))
        ],
        labels=[Label(segment, _row(place)) for place, segment in enumerate(segments)],
        left_out=len(found.combinations) - len(drawn),
    )


def _row(place: int) -> int:
    return HEAD + BARS + ROW * (place + 1) - ROW // 4
