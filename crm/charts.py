"""Charts drawn on the server: where the bars stand in a viewBox; the templates draw them."""

from collections.abc import Sequence
from dataclasses import dataclass

from crm.dashboard import Movement

WIDTH = 10
BAR = 6
HEIGHT = 100


@dataclass(frozen=True)
class Column:
    """One day: a bar upwards for who entered, one downwards for who left."""

    movement: Movement
    x: float
    entered_y: float
    entered_height: float
    left_height: float


@dataclass(frozen=True)
class MovementChart:
    columns: list[Column]
    width: int
    height: int
    zero: float
    entered: int
    left: int

    @property
    def bar(self) -> int:
        return BAR

    @property
    def marks(self) -> list[Column]:
        """The columns whose day is written below the chart: the first, the last, and three between."""
        last = len(self.columns) - 1
        return [self.columns[round(last * quarter / 4)] for quarter in range(5)]


def movement_chart(movements: Sequence[Movement]) -> MovementChart:
    """A column for each day, with one scale for both directions."""
    highest = max(movement.entered for movement in movements)
    lowest = max(movement.left for movement in movements)
    scale = HEIGHT / ((highest + lowest) or 1)
    zero = round(highest * scale, 2)
    return MovementChart(
        columns=[
            Column(
                movement,
                x=number * WIDTH + (WIDTH - BAR) / 2,
                entered_y=round(zero - movement.entered * scale, 2),
                entered_height=round(movement.entered * scale, 2),
                left_height=round(movement.left * scale, 2),
            )
            for number, movement in enumerate(movements)
        ],
        width=len(movements) * WIDTH,
        height=HEIGHT,
        zero=zero,
        entered=sum(movement.entered for movement in movements),
        left=sum(movement.left for movement in movements),
    )
