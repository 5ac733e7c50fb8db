"""Contacts enter and leave segments."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workflows.nodes.base import NODES, NodeContext, Settings, Trigger
from workflows.nodes.choosing import SegmentForm


def number_of(stored: Any) -> int | None:
    """The id that a setting holds, which may be a text; None for anything else."""
    text = str(stored)
    return int(text) if text.isascii() and text.isdecimal() else None


class OnTransition(Trigger):
    """A trigger by what the ledger of segments says. ``way`` is a kind of transition."""

    way: str
    form = SegmentForm

    def keys(self, settings: Settings) -> set[str]:
        return {f"{self.way}:{pk}" for pk in self.segments(settings)}

    def segments(self, settings: Settings) -> set[int]:
        return {pk} if (pk := number_of(settings.get("segment"))) else set()

    def describe(self, settings: Settings, context: NodeContext) -> str:
        pk = number_of(settings.get("segment"))
        if pk is None:
            return ""
        segment = context.conditions.segments.get(pk)
        return str(segment) if segment else _("a segment that is gone")


@NODES.register
class EnteredSegment(OnTransition):
    key = "entered_segment"
    label = gettext_lazy("On entering segment")
    help = gettext_lazy(
        "The contact enters a segment, in whatever way. When a segment's conditions are edited, those who enter by that"
        " are let in only if whoever edits them says so."
    )
    icon = "user-round-plus"
    way = "entered"


@NODES.register
class LeftSegment(OnTransition):
    key = "left_segment"
    label = gettext_lazy("On leaving segment")
    help = gettext_lazy(
        "The contact leaves a segment, in whatever way. When a segment's conditions are edited, those who leave by that"
        " are let in only if whoever edits them says so."
    )
    icon = "user-round-minus"
    way = "left"
