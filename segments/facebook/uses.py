"""Audiences that are kept in step with a segment, as places where the segment is used."""

from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from contacts.uses import Use
from segments.models import FacebookAudience
from segments.uses import UseSource


def in_audiences(segment_ids: set[int]) -> dict[int, list[Use]]:
    """The audiences that are kept in step with these segments."""
    found: dict[int, list[Use]] = {}
    for audience in FacebookAudience.objects.filter(segment__in=segment_ids, in_step=True):
        assert audience.segment_id
        use = Use(audience.name, reverse("segments:facebook", args=[audience.segment_id]))
        found.setdefault(audience.segment_id, []).append(use)
    return found


SOURCE = UseSource(
    "facebook",
    _("Facebook audiences kept in step"),
    ngettext_lazy("%(count)s Facebook audience", "%(count)s Facebook audiences", "count"),
    in_audiences,
)
