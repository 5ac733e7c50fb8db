"""What segments have to do with old events: which of them read any, and the ledger of who entered and left."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime

from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from contacts.retention import ALWAYS_KEPT, Affected, EventReader, Ledger, grouped
from contacts.rolling_off import AgeingRows, Report, let_others_write, silent
from segments.compiler import rules, words
from segments.conditions import CONDITIONS
from segments.context import Context
from segments.models import Segment, Transition
from segments.rule_form import Rule

TRANSITIONS = AgeingRows("segments_transition", "segment_id", "at")


def segments_reading_before(moment: datetime, *, types: Collection[str], now: datetime) -> list[Affected]:
    """The live segments whose members depend on events of these types from before a moment, with the rules in words.

    A rule on such a segment counts as well: its answer changes with the members of the other one.
    """
    segments = {segment.pk: segment for segment in Segment.objects.live().defined().only("pk", "name", "definition")}
    keys = {f"event:{key}" for key in types}
    found = {pk: _reading(segment, keys, moment, now) for pk, segment in segments.items()}
    found = {pk: reading for pk, reading in found.items() if reading}
    dependents = _dependents(segments.values())
    waiting = list(found)
    while waiting:
        for pk, rule in dependents[f"segment:{waiting.pop()}"]:
            if pk not in found:
                waiting.append(pk)
            found.setdefault(pk, []).append(rule)
    context = Context(now=now)
    return [
        Affected(
            segment.name,
            reverse("segments:detail", args=[pk]),
            [words(rule, context=context) for rule in found[pk]],
        )
        for pk, segment in segments.items()
        if pk in found
    ]


def _reading(segment: Segment, keys: set[str], moment: datetime, now: datetime) -> list[Rule]:
    """The rules of a segment that read such events themselves."""
    return [
        rule
        for rule in rules(segment.conditions)
        if keys & CONDITIONS[rule["type"]].depends_on(rule)
        and CONDITIONS[rule["type"]].reads_events_before(rule, moment, now)
    ]


def _dependents(segments: Iterable[Segment]) -> dict[str, list[tuple[int, Rule]]]:
    """The rules on other segments, each with the segment it is in, by the key of the one that they read."""
    found: dict[str, list[tuple[int, Rule]]] = defaultdict(list)
    for segment in segments:
        for rule in rules(segment.conditions):
            for key in CONDITIONS[rule["type"]].depends_on(rule):
                if key.startswith("segment:"):
                    found[key].append((segment.pk, rule))
    return found


def count_ledger(before: datetime) -> int:
    """How many transitions there are from before a moment."""
    return Transition.objects.filter(segment_id__in=_segment_ids(), at__lt=before).count()


def compact_ledger(before: datetime, *, now: datetime, report: Report = silent) -> int:
    """Remove the transitions from before a moment, the oldest of each segment first; returns how many went.

    Memberships stay, with when and why they came to be, and so do the counts of each day. Each chunk is a transaction
    of its own; what is interrupted goes on where it stopped when it is begun again. Raises ValueError for a moment
    within `ALWAYS_KEPT`.
    """
    if before > now - ALWAYS_KEPT:
        raise ValueError(f"transitions after {now - ALWAYS_KEPT} are kept")
    total, done = count_ledger(before), 0
    for segment_id in _segment_ids():
        since = TRANSITIONS.oldest(segment_id, before)
        while since is not None:
            with transaction.atomic():
                removed, since = TRANSITIONS.remove(segment_id, since, before)
            done += removed
            message = ngettext("%(count)s entry of the ledger removed", "%(count)s entries of the ledger removed", done)
            report(done, total, message % {"count": grouped(done)})
            let_others_write()
    return done


def _segment_ids() -> list[int]:
    """All segments, the deleted ones too: the index of the ledger begins with the segment."""
    return list(Segment.objects.order_by("pk").values_list("pk", flat=True))


READER = EventReader("segments", _("Segments"), segments_reading_before)
LEDGER = Ledger(
    "segments",
    _("Also remove who entered and left segments before that day"),
    _("Who is in a segment stays, with when and why they came in, and so do the numbers of each day."),
    count_ledger,
    compact_ledger,
)
