"""Part of a benchmark: evaluating mixed segments for everybody, beside hand-written SQL for the same members."""

from collections.abc import Sequence
from statistics import median
from typing import Any

from django.db import connection

from benchmarks.by_hand import Example
from benchmarks.meter import measured, use_one_process
from benchmarks.mixed_segments import MIXED, make_mixed
from benchmarks.people import NOW, forget_segments, tidy
from benchmarks.report import table
from segments.indexes import keep_indexes
from segments.models import Segment
from segments.statements import matching_sql

Query = tuple[str, Sequence[Any]]


def main(rounds: str) -> None:
    forget_segments()
    keep_indexes()
    use_one_process()
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET work_mem = '128MB'")  # as a refresh does
    segments = make_mixed()
    tidy("segments_")
    _compare(segments, int(rounds), "Evaluating mixed segments, CPU in ms")
    for example, segment in zip(MIXED, segments, strict=True):
        print(f"\n{example.name}: engine\n{_plan(matching_sql(segment, now=NOW))}")
        print(f"{example.name}: by hand\n{_plan((example.select, ()))}", flush=True)
    made, _dropped = keep_indexes()
    tidy("contacts_")
    _compare(segments, int(rounds), f"The same with the {made} indexes that Muster makes for these segments")
    forget_segments()
    keep_indexes()


def _compare(segments: list[Segment], rounds: int, title: str) -> None:
    rows = []
    sums = [0.0, 0.0]
    for example, segment in zip(MIXED, segments, strict=True):
        engine, by_hand = matching_sql(segment, now=NOW), (example.select, ())
        members = _stop_unless_equal(example, engine, by_hand)
        times: tuple[list[float], list[float]] = [], []
        for number in range(rounds):
            ways = list(zip(times, (engine, by_hand), strict=True))
            for own, query in ways if number % 2 else reversed(ways):
                own.append(_cost(query))
        figures = [median(own) for own in times]
        sums = [total + figure for total, figure in zip(sums, figures, strict=True)]
        rows.append([example.name, f"{members:,}", *_figures(figures)])
    table(title, ["segment", "members", "engine", "by hand", "ratio"], [*rows, ["in sum", "", *_figures(sums)]])


def _figures(figures: list[float]) -> list[str]:
    engine, by_hand = figures
    return [f"{engine:,.0f}", f"{by_hand:,.0f}", f"{engine / by_hand:.2f}"]


def _cost(query: Query) -> float:
    with measured() as cost:
        _asked("SELECT COUNT(*) FROM ({}) found", query)
    return cost.cpu


def _stop_unless_equal(example: Example, *queries: Query) -> int:
    """How many the members are."""
    counts = {_asked("SELECT COUNT(*) FROM ({}) found", query) for query in queries}
    one, other = queries
    for first, second in ((one, other), (other, one)):
        sql = f"SELECT COUNT(*) FROM (SELECT * FROM ({first[0]}) a EXCEPT SELECT * FROM ({second[0]}) b) found"
        if _asked(sql, ("", [*first[1], *second[1]])) or len(counts) > 1:
            raise SystemExit(f"{example.name}: the engine and the hand-written SQL do not agree ({counts}).")
    return counts.pop()


def _asked(template: str, query: Query) -> int:
    sql, params = query
    with connection.cursor() as cursor:
        cursor.execute(template.replace("{}", sql), params or None)
        return int(cursor.fetchone()[0])


def _plan(query: Query) -> str:
    explain = "EXPLAIN (COSTS OFF)" if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN"
    with connection.cursor() as cursor:
        cursor.execute(f"{explain} {query[0]}", query[1] or None)
        return "\n".join(f"  {row[-1]}" for row in cursor.fetchall())
