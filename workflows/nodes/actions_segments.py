"""Actions with segments: a workflow puts contacts into static segments and takes them out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from segments.membership import add_in_passing, remove_in_passing
from segments.models import Cause, Segment
from workflows.nodes.actions import Action, changing, done
from workflows.nodes.actions_limits import LimitedForm
from workflows.nodes.base import NODES, Batch, CannotWork, NodeContext, Outcome, Settings
from workflows.nodes.choosing import SegmentField, name_of


class StaticSegmentForm(LimitedForm):
    segment = SegmentField(
        label=gettext_lazy("Segment"),
        static=True,
        help_text=gettext_lazy("A static segment: who is in another one follows from its conditions."),
        error_messages={"required": gettext_lazy("Choose a segment.")},
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["segment"].offer(self.context)  # type: ignore[attr-defined]


class SegmentAction(Action):
    """An action with the members of one static segment."""

    form = StaticSegmentForm
    move: Callable[..., int]
    said: Any

    def segments(self, settings: Settings) -> set[int]:
        return {settings["segment"]} if isinstance(settings.get("segment"), int) else set()

    def describe(self, settings: Settings, context: NodeContext) -> str:
        return name_of(context.conditions.segments, settings["segment"]) if settings.get("segment") else ""

    def act(self, batch: Batch) -> Iterable[Outcome]:
        segment = Segment.objects.live().filter(pk=batch.settings["segment"]).first()
        if segment is None:
            raise CannotWork(_("The segment was deleted."))
        if not segment.is_static:
            raise CannotWork(_("“%(segment)s” is not a static segment.") % {"segment": segment})
        with changing(batch):
            type(self).move(
                segment, batch.contacts, now=batch.now, cause=Cause.WORKFLOW, detail=str(batch.version.workflow)
            )
        yield done(batch, self.said % {"segment": segment})


@NODES.register
class AddToSegment(SegmentAction):
    key = "add_to_segment"
    label = gettext_lazy("Add to segment")
    help = gettext_lazy("Puts the contact into a static segment.")
    icon = "user-plus"
    move = staticmethod(add_in_passing)
    said = gettext_lazy("Added to “%(segment)s”")


@NODES.register
class RemoveFromSegment(SegmentAction):
    key = "remove_from_segment"
    label = gettext_lazy("Remove from segment")
    help = gettext_lazy("Takes the contact out of a static segment.")
    icon = "user-minus"
    move = staticmethod(remove_in_passing)
    said = gettext_lazy("Removed from “%(segment)s”")
