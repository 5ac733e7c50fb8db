"""Where segments are used: in other segments, and wherever else an app says so (`USES`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from contacts.uses import Use
from crm.registry import Registry
from segments.compiler import depends_on
from segments.models import Segment
from segments.references import readers_of


@dataclass(frozen=True)
class UseSource:
    """A kind of place: ``function(segment_ids)`` gives the uses of each segment that has some.

    ``counted`` puts a number of such places into words: a lazy plural text with the place ``%(count)s``. ``forbidding``
    gives, of the uses, those without which the place cannot go on: such a segment cannot be deleted. ``starting`` gives
    those at which something starts when contacts enter or leave.
    """

    key: str
    label: Any
    counted: Any
    function: Callable[[set[int]], dict[int, list[Use]]]
    forbidding: Callable[[set[int]], dict[int, list[Use]]] | None = None
    starting: Callable[[set[int]], dict[int, list[Use]]] | None = None


USES: Registry[UseSource] = Registry("use of segments")


def uses_of(segments: Iterable[Segment]) -> dict[int, list[tuple[UseSource, list[Use]]]]:
    """For each segment, its uses by kind of place; a constant number of queries."""
    ids = {segment.pk for segment in segments}
    found: dict[int, list[tuple[UseSource, list[Use]]]] = {pk: [] for pk in ids}
    for source in USES:
        for pk, uses in source.function(ids).items():
            found[pk].append((source, uses))
    return found


def forbidding_uses(segment: Segment) -> list[Use]:
    """The uses that forbid to delete a segment."""
    sources = [source.forbidding for source in USES if source.forbidding]
    return [use for forbidding in sources for use in forbidding({segment.pk}).get(segment.pk, [])]


def starting_uses(segment: Segment) -> list[Use]:
    """The uses at which something starts when contacts enter or leave a segment, or those whose rules read it."""
    defined = Segment.objects.live().defined().only("pk", "definition")
    moving = {segment.pk} | readers_of(segment.pk, {one.pk: depends_on(one.conditions) for one in defined})
    sources = [source.starting for source in USES if source.starting]
    found = [use for starting in sources for uses in starting(moving).values() for use in uses]
    return sorted(set(found), key=lambda use: use.name)


def in_segments(segment_ids: set[int]) -> dict[int, list[Use]]:
    """The segments with a rule on these."""
    found: dict[int, list[Use]] = {}
    for segment in Segment.objects.live().defined().only("pk", "name", "definition"):
        for pk in segment_ids:
            if f"segment:{pk}" in depends_on(segment.conditions):
                use = Use(segment.name, reverse("segments:detail", args=[segment.pk]))
                found.setdefault(pk, []).append(use)
    return found


USES.add(
    UseSource("segments", _("Segments"), ngettext_lazy("%(count)s segment", "%(count)s segments", "count"), in_segments)
)


def list_uses(list_id: int) -> list[Use]:
    """The segments with a rule on a contact list."""
    return [
        Use(segment.name, reverse("segments:detail", args=[segment.pk]))
        for segment in Segment.objects.live().defined().only("pk", "name", "definition")
        if f"list:{list_id}" in depends_on(segment.conditions)
    ]
