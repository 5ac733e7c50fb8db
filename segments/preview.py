"""What a definition would do, before it is saved: how many match, would enter and would leave, and some of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from contacts.models import Contact
from segments.compiler import Definition, describe, matching
from segments.context import Context
from segments.models import Membership, Segment

SAMPLE = 5


@dataclass(frozen=True)
class Preview:
    """The figures of the preview. ``entering`` and ``leaving`` compare with the segment's present members."""

    count: int
    total: int
    entering: int
    leaving: int
    sample: list[Contact]
    sentence: str

    @property
    def share(self) -> float:
        """The share of all contacts, in percent."""
        return 100 * self.count / self.total if self.total else 0.0


def preview(definition: Definition, *, segment: Segment | None, now: datetime) -> Preview:
    """Preview a checked definition; ``segment`` is the one being edited, None for a new one."""
    matches = matching(definition, now=now).order_by()
    count = matches.count()
    staying = 0
    if segment and segment.size:
        members = Membership.objects.filter(segment=segment).values("contact_id")
        staying = matches.filter(pk__in=members).count()
    return Preview(
        count=count,
        total=Contact.objects.count(),
        entering=count - staying,
        leaving=(segment.size if segment else 0) - staying,
        sample=list(matches.order_by("-pk")[:SAMPLE]),
        sentence=describe(definition, context=Context()),
    )
