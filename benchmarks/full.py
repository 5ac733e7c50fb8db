"""Part of a benchmark: full refresh of representative segments, beside hand-written SQL that writes the same rows."""

from collections import defaultdict
from collections.abc import Callable
from statistics import median

from django.db import connection

from benchmarks.by_hand import EXAMPLES, Example, refresh_by_hand
from benchmarks.meter import Cost, measured, use_one_process
from benchmarks.people import NOW, forget_segments
from benchmarks.report import table
from segments.compiler import validate
from segments.models import Membership, Segment, Transition
from segments.refresh import refresh_segment

BY_HAND = 1_000_000  # added to a segment's id: the same segment, written by hand
PHASES = ("first fill", "1 % changed", "nothing changed")

Times = dict[tuple[str, str], list[Cost]]  # by who did it and the phase


def main(rounds: str) -> None:
    use_one_process()
    times: dict[str, Times] = {}
    for example in EXAMPLES:
        times[example.name] = defaultdict(list)
        for number in range(int(rounds)):
            _round(example, times[example.name], engine_first=number % 2 == 0)
    _report(times)


def _round(example: Example, times: Times, *, engine_first: bool) -> None:
    """Fill the segment, change some of its members behind everybody's back, and refresh it again, both ways."""
    forget_segments()
    segment = Segment.objects.create(
        name=example.name, kind=Segment.Kind.DYNAMIC, definition=validate(example.definition, kind="dynamic")
    )
    ways: list[tuple[str, Callable[[], object]]] = [
        ("engine", lambda: refresh_segment(segment, now=NOW)),
        ("by hand", lambda: refresh_by_hand(example, segment.pk + BY_HAND)),
    ]
    for phase in PHASES:
        if phase == "1 % changed":
            for segment_id in (segment.pk, segment.pk + BY_HAND):
                _change_members(segment_id)
        for way, refresh in ways if engine_first else reversed(ways):
            _settle()
            with measured() as cost:
                refresh()
            times[way, phase].append(cost)
        _compare(segment.pk)


def _settle() -> None:
    """Do what the database has put off, so that it is not done at the cost of the next measurement."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        else:
            cursor.execute("ANALYZE segments_membership")


def _change_members(segment_id: int) -> None:
    """Take out one member in 200, and put in one in 200 of the others."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM segments_membership WHERE segment_id = %s AND contact_id %% 200 = 7", [segment_id])
        cursor.execute(
            "INSERT INTO segments_membership (segment_id, contact_id, entered_at, cause)"
            " SELECT %s, id, created_at, 'edit' FROM contacts_contact WHERE id %% 200 = 13"
            " ON CONFLICT DO NOTHING",
            [segment_id],
        )


def _compare(segment_id: int) -> None:
    """Stop unless engine and hand have written the same members and the same ledger."""
    for model, columns in ((Membership, ["contact_id"]), (Transition, ["contact_id", "kind"])):
        rows = [
            model.objects.filter(segment_id=either).order_by().values_list(*columns)
            for either in (segment_id, segment_id + BY_HAND)
        ]
        different = rows[0].difference(rows[1]).exists() or rows[1].difference(rows[0]).exists()
        if different or rows[0].count() != rows[1].count():
            raise SystemExit(f"The engine and the hand-written SQL do not agree: {model._meta.verbose_name_plural}")


def _report(times: dict[str, Times]) -> None:
    for phase in PHASES:
        rows = []
        sums = [0.0] * 4
        for name, own in times.items():
            figures = [
                median(getattr(cost, measure) for cost in own[way, phase])
                for measure in ("cpu", "wall")
                for way in ("engine", "by hand")
            ]
            sums = [total + figure for total, figure in zip(sums, figures, strict=True)]
            rows.append(_row(name, figures))
        table(
            f"Full refresh, {phase} (ms)",
            ["segment", "CPU: engine", "by hand", "ratio", "wall: engine", "by hand", "ratio"],
            [*rows, _row("in sum", sums)],
        )


def _row(name: str, figures: list[float]) -> list[str]:
    cpu, cpu_by_hand, wall, wall_by_hand = figures
    return [
        name,
        *(f"{cpu:,.0f}", f"{cpu_by_hand:,.0f}", f"{cpu / cpu_by_hand:.2f}"),
        *(f"{wall:,.0f}", f"{wall_by_hand:,.0f}", f"{wall / wall_by_hand:.2f}"),
    ]
