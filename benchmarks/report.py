"""Printing figures as tables that can be pasted into the documentation."""


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
