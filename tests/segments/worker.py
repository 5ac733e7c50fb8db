"""A process of its own that does one thing to segments: ``python -m tests.segments.worker WHAT ID NOW PLACE``.

WHAT is refresh, changes, time or audit. On SQLite, PLACE says where the process stops (``evaluation``: when it has
looked at some contacts; ``write``: when it has written some memberships): it then prints ``held`` and goes on when a
line comes in. On PostgreSQL the test's database holds it instead (see `tests.segments.processes`).
"""

import os
import sys
from datetime import datetime

import django

SOME = 7


def hold() -> int:
    print("held", flush=True)
    sys.stdin.readline()
    return 1


def hold_on_sqlite(place: str) -> None:
    from django.db import connection

    from contacts.folding import fold_or_none

    connection.ensure_connection()
    seen = 0

    def fold(text: str | None) -> str | None:
        nonlocal seen
        seen += 1
        if seen == SOME:
            hold()
        return fold_or_none(text)

    if place == "evaluation":
        connection.connection.create_function("muster_fold", 1, fold)
    else:
        connection.connection.create_function("hold", 0, hold)
        with connection.cursor() as cursor:
            cursor.execute(
                "CREATE TEMP TRIGGER hold_here AFTER INSERT ON main.segments_membership"
                f" WHEN (SELECT COUNT(*) FROM main.segments_membership) = {SOME} BEGIN SELECT hold(); END"
            )


def main(what: str, segment_id: str, moment: str, place: str) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")
    django.setup()

    from django.db import connection

    from segments import refresh
    from segments.models import Segment

    if connection.vendor == "sqlite":
        hold_on_sqlite(place)
    now = datetime.fromisoformat(moment)
    if what == "refresh":
        refresh.refresh_segment(Segment.objects.get(pk=int(segment_id)), now=now)
    else:
        {"changes": refresh.apply_changes, "time": refresh.apply_time, "audit": refresh.audit}[what](now=now)
    print("done", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
