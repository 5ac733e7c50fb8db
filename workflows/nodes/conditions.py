"""Conditions on segments, fields and purchases, and whole definitions of their own."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from segments.compiler import Definition, describe, words
from segments.models import Segment
from segments.windows import EVER
from workflows.nodes.base import NODES, NodeContext, Settings
from workflows.nodes.choosing import SegmentForm
from workflows.nodes.trees import OneConditionForm, TreeForm, stored_definition
from workflows.nodes.yes_no import YesNo, one_rule, segments_of


@NODES.register
class IsInSegment(YesNo):
    key = "is_in_segment"
    label = gettext_lazy("Is in segment")
    help = gettext_lazy("Asks whether the contact belongs to a segment now.")
    icon = "users"
    form = SegmentForm

    def definition(self, settings: Settings, *, workflow_id: int) -> Definition:
        return one_rule({"type": "segment", "segment": settings["segment"], "operator": "member"})

    def describe(self, settings: Settings, context: NodeContext) -> str:
        return "".join(
            context.conditions.segments[pk].name if pk in context.conditions.segments else _("a segment that is gone")
            for pk in self.segments(settings)
        )

    def segments(self, settings: Settings) -> set[int]:
        return {settings["segment"]} if isinstance(settings.get("segment"), int) else set()


class Definite(YesNo):
    """A condition that keeps a ``definition`` as the segment editor makes it."""

    form: type[TreeForm]
    usual: Definition | None = None  # what is asked before anything is set

    def definition(self, settings: Settings, *, workflow_id: int) -> Definition:
        found = self._definition(settings)
        assert found
        return found

    def _definition(self, settings: Settings) -> Definition | None:
        return stored_definition(settings) if "definition" in settings else self.usual

    def describe(self, settings: Settings, context: NodeContext) -> str:
        found = self._definition(settings)
        if found is None:
            return ""
        only = found["rules"][0]
        alone = len(found["rules"]) == 1 and found["match"] != "none" and "match" not in only
        return words(only, context=context.conditions) if alone else describe(found, context=context.conditions)

    def segments(self, settings: Settings) -> set[int]:
        found = self._definition(settings)
        return segments_of([found]) if found else set()


class HasFieldForm(OneConditionForm):
    kind = Segment.Kind.DYNAMIC
    condition = "field"


@NODES.register
class HasField(Definite):
    key = "has_field"
    label = gettext_lazy("Has field")
    help = gettext_lazy("Check value: compares a field of the contact, with the operators of the segment editor.")
    icon = "list-checks"
    form = HasFieldForm
    template = "workflows/nodes/one_condition.html"


class HasPurchasedForm(OneConditionForm):
    condition = "event"
    subject = "event.purchase"


@NODES.register
class HasPurchased(Definite):
    key = "has_purchased"
    label = gettext_lazy("Has purchased")
    help = gettext_lazy("Asks whether the contact bought something: what, how often or for how much, and when.")
    icon = "shopping-bag"
    form = HasPurchasedForm
    template = "workflows/nodes/one_condition.html"
    usual = one_rule(
        {"type": "event", "event": "purchase", "metric": "count", "operator": "at_least", "value": 1, "window": EVER}
    )


@NODES.register
class MatchesConditions(Definite):
    key = "matches_conditions"
    label = gettext_lazy("Matches conditions")
    help = gettext_lazy("Asks whether conditions hold for the contact that are built as in a dynamic plus segment.")
    icon = "funnel"
    form = TreeForm
    template = "workflows/nodes/tree.html"
