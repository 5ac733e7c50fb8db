"""What a definition would do, before it is saved: how many match, would enter and would leave, and some of them.

Among many contacts this is an estimate first: the definition is asked for some contacts, drawn at random but always the
same, so that figures differ because the definition does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from math import sqrt
from random import Random

from django.conf import settings
from django.db.models import Max, Min
from django.utils.translation import gettext as _

from contacts.models import Contact
from crm.time_limit import time_limit
from segments.compiler import Definition, describe, matching, parts_of, words
from segments.conditions import CONDITIONS
from segments.context import Context
from segments.counting import Counts, count, sample_of
from segments.models import Segment

SAMPLE = 5
SURE = 1.96  # the range of an estimate holds the exact number 19 times out of 20
MOST_DRAWN = 20_000


@dataclass(frozen=True)
class PartCount:
    """How many contacts a group or a condition holds for.

    ``depth`` is how many groups it stands in. ``left`` is how many hold for it and for all before it, in an outermost
    group of which all must hold.
    """

    words: str
    match: str
    depth: int
    count: int
    left: int | None


@dataclass(frozen=True)
class Preview:
    """The figures of the preview. ``entering`` and ``leaving`` compare with the segment's present members.

    All are estimated from ``looked_at`` contacts unless that is None; the exact count probably lies between ``low`` and
    ``high``. ``parts`` begin with the whole definition, each group before what is in it.
    """

    count: int
    total: int
    entering: int
    leaving: int
    sample: list[Contact]
    sentence: str
    parts: list[PartCount]
    warnings: list[str]
    low: int
    high: int
    looked_at: int | None

    @property
    def is_estimate(self) -> bool:
        return self.looked_at is not None

    @property
    def share(self) -> float:
        """The share of all contacts, in percent."""
        return 100 * self.count / self.total if self.total else 0.0

    @property
    def steps(self) -> list[PartCount]:
        """The parts without the whole."""
        return self.parts[1:]


def preview(definition: Definition, *, segment: Segment | None, now: datetime, exact: bool = False) -> Preview:
    """Preview a checked definition; ``segment`` is the one being edited, None for a new one.

    ``exact`` counts exactly even among many contacts. Raises `TookTooLong`.
    """
    with time_limit(settings.PREVIEW_SECONDS):
        total = Contact.objects.count()
        if exact or total <= settings.PREVIEW_EXACT_UP_TO:
            return _exact(definition, segment, now=now)
        return _estimated(definition, segment, total, now=now)


def _exact(definition: Definition, segment: Segment | None, *, now: datetime) -> Preview:
    counts = count(definition, segment=segment, now=now)
    matches = counts.parts[0]
    context = Context(now=now)
    return Preview(
        count=matches,
        total=counts.total,
        entering=matches - counts.staying,
        leaving=counts.members - counts.staying,
        sample=list(matching(definition, now=now).order_by("-pk")[:SAMPLE]) if matches else [],
        sentence=describe(definition, context=context),
        parts=list(_part_counts(definition, counts, context, 1)),
        warnings=[*_warnings(matches, counts.total), *_cautions(definition, context)],
        low=matches,
        high=matches,
        looked_at=None,
    )


def _estimated(definition: Definition, segment: Segment | None, total: int, *, now: datetime) -> Preview:
    drawn = _drawn(min(settings.PREVIEW_SAMPLE, total))
    counts = count(definition, segment=segment, now=now, contact_ids=drawn)
    scale = total / counts.total
    matches = counts.parts[0]
    low, high = _range(matches, counts.total)
    context = Context(now=now)
    return Preview(
        count=round(matches * scale),
        total=total,
        entering=round((matches - counts.staying) * scale),
        leaving=round((counts.members - counts.staying) * scale),
        sample=sample_of(definition, drawn, SAMPLE, now=now) if matches else [],
        sentence=describe(definition, context=context),
        parts=list(_part_counts(definition, counts, context, scale)),
        warnings=list(_cautions(definition, context)),
        low=round(low * total),
        high=round(high * total),
        looked_at=counts.total,
    )


def _drawn(size: int) -> list[int]:
    """The ids of about so many contacts, each as likely as any other."""
    ends = Contact.objects.aggregate(first=Min("pk"), last=Max("pk"))
    ids = range(ends["first"], ends["last"] + 1)
    drawn = Random(0).sample(ids, min(len(ids), MOST_DRAWN))  # noqa: S311 - nothing is kept secret with it
    found: list[int] = []
    # Ids of deleted contacts are free: more are drawn until there are enough.
    for start in range(0, len(drawn), size):
        found += Contact.objects.filter(pk__in=drawn[start : start + size]).values_list("pk", flat=True)
        if len(found) >= size:
            break
    if len(found) < size // 10:
        # Hardly any id in use was hit. Sorting all contacts by chance finds enough, and takes longer.
        return list(Contact.objects.order_by("?").values_list("pk", flat=True)[:size])
    return found[:size]


def _range(matches: int, size: int) -> tuple[float, float]:
    """The shares between which that of all contacts probably lies (the interval of Wilson)."""
    share, square = matches / size, SURE**2 / size
    middle = (share + square / 2) / (1 + square)
    reach = SURE * sqrt(share * (1 - share) / size + square / (4 * size)) / (1 + square)
    return max(0.0, middle - reach), min(1.0, middle + reach)


def _part_counts(definition: Definition, counts: Counts, context: Context, scale: float) -> Iterator[PartCount]:
    left = iter(counts.left)
    for number, (part, depth) in enumerate(_with_depth(definition, 0)):
        remaining = next(left, None) if depth == 1 else None
        yield PartCount(
            words=words(part, context=context),
            match=part.get("match", ""),
            depth=depth,
            count=round(counts.parts[number] * scale),
            left=None if remaining is None else round(remaining * scale),
        )


def _with_depth(part: Definition, depth: int) -> Iterator[tuple[Definition, int]]:
    yield part, depth
    for rule in part.get("rules", ()):
        yield from _with_depth(rule, depth + 1)


def _warnings(matches: int, total: int) -> Iterator[str]:
    if total and not matches:
        yield _("Nobody matches.")
    if total and matches == total:
        yield _("Everybody matches.")


def _cautions(definition: Definition, context: Context) -> list[str]:
    """What to know of the conditions, each said once."""
    said = (
        caution
        for part in parts_of(definition)
        if "match" not in part
        for caution in CONDITIONS[part["type"]].cautions(part, context)
    )
    return list(dict.fromkeys(said))
