"""Printing figures as tables that can be pasted into the documentation."""

from statistics import median

from benchmarks.meter import Cost

ONE_AT_A_TIME = ["CPU", "client", "server", "wall", "CPU, 95 %", "CPU, first", "moves"]


def one_at_a_time(first: Cost, costs: list[Cost], moves: int) -> list[str]:
    """What one write costs in ms, under `ONE_AT_A_TIME`: the median, 95 %, the first; and the moves of each."""
    middle = [median(getattr(cost, part) for cost in costs) for part in ("cpu", "client", "server", "wall")]
    nineteen_in_twenty = sorted(cost.cpu for cost in costs)[len(costs) * 19 // 20]
    return [f"{figure:.1f}" for figure in (*middle, nineteen_in_twenty, first.cpu, moves / len(costs))]


def table(title: str, head: list[str], rows: list[list[str]]) -> None:
    """Print a Markdown table: the first column to the left, figures to the right."""
    widths = [max(len(row[place]) for row in [head, *rows]) for place in range(len(head))]

    def line(cells: list[str]) -> str:
        first, *figures = [
            cell.rjust(width) if place else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        return "| " + " | ".join([first, *figures]) + " |"

    rule = ["-" * width if not place else "-" * (width - 1) + ":" for place, width in enumerate(widths)]
    print(f"\n{title}\n", line(head), line(rule), *map(line, rows), sep="\n", flush=True)
