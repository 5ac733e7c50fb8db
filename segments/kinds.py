"""The types of segments that people can create."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from segments.models import Segment


@dataclass(frozen=True)
class OfferedKind:
    """A type as the pages offer it; ``icon`` is the name of a lucide icon."""

    key: Segment.Kind
    icon: str
    explanation: str | Promise
    example: str | Promise

    @property
    def label(self) -> str | Promise:
        return self.key.label


OFFERED = {
    kind.key: kind
    for kind in (
        OfferedKind(
            Segment.Kind.STATIC,
            "list",
            _("You choose the contacts: by hand, one by one or many at once. Nobody enters or leaves by themselves."),
            _("Guests of the trade fair, testers of a newsletter."),
        ),
        OfferedKind(
            Segment.Kind.DYNAMIC,
            "refresh-cw",
            _("You set conditions. Contacts enter when they meet all of them, and leave when they no longer do."),
            _("Newsletter subscribers in Spain, birthdays of this week."),
        ),
        OfferedKind(
            Segment.Kind.DYNAMIC_PLUS,
            "sparkles",
            _("You nest groups of conditions, and ask besides for what contacts did, how often and when."),
            _("Filled their cart this week and did not buy, bought before but not for a year."),
        ),
    )
}
