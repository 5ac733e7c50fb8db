"""Conditions: each asks something about the contacts, and lets them go on by yes or by no."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from segments.compiler import Definition
from workflows.nodes.base import NODES, NodeContext, NodeForm, Settings
from workflows.nodes.choosing import SegmentField
from workflows.nodes.yes_no import YesNo, one_rule


class IsInSegmentForm(NodeForm):
    segment = SegmentField(
        label=gettext_lazy("Segment"),
        help_text=gettext_lazy("A segment of any type: static, dynamic or dynamic plus."),
        error_messages={"required": gettext_lazy("Choose a segment.")},
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["segment"].offer(self.context)  # type: ignore[attr-defined]


@NODES.register
class IsInSegment(YesNo):
    key = "is_in_segment"
    label = gettext_lazy("Is in segment")
    help = gettext_lazy("Asks whether the contact belongs to a segment now.")
    icon = "users"
    form = IsInSegmentForm

    def definition(self, settings: Settings) -> Definition:
        return one_rule({"type": "segment", "segment": settings["segment"], "operator": "member"})

    def describe(self, settings: Settings, context: NodeContext) -> str:
        return "".join(
            context.conditions.segments[pk].name if pk in context.conditions.segments else _("a segment that is gone")
            for pk in self.segments(settings)
        )

    def segments(self, settings: Settings) -> set[int]:
        return {settings["segment"]} if isinstance(settings.get("segment"), int) else set()
