"""The Start node: whom the workflow lets in, how often, what ends a run, and when it may reach contacts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workflows import rules
from workflows.nodes.base import NODES, Batch, Next, Node, NodeContext, NodeGroup, Outcome, Settings
from workflows.nodes.choosing import EventTypeField, SegmentField
from workflows.nodes.shaped import ShapedForm

LIMITATIONS = (
    ("all", gettext_lazy("All contacts")),
    ("with_email", gettext_lazy("Contacts with an email")),
    ("without_email", gettext_lazy("Contacts without an email")),
    ("with_phone", gettext_lazy("Contacts with a phone")),
    ("newsletter", gettext_lazy("Newsletter subscribers")),
    (rules.SEGMENT, gettext_lazy("Contacts belonging to a segment")),
)
WHICH = (
    (rules.BOTH, gettext_lazy("All existing and all new contacts")),
    (rules.EXISTING, gettext_lazy("All existing contacts")),
    (rules.NEW, gettext_lazy("All new contacts")),
)
REENTRY = (
    (rules.NEVER, gettext_lazy("Never: each contact once")),
    (rules.AFTER, gettext_lazy("After a span of time")),
    (rules.ALWAYS, gettext_lazy("Always")),
)
UNITS = (
    ("minutes", gettext_lazy("minutes")),
    ("hours", gettext_lazy("hours")),
    ("days", gettext_lazy("days")),
    ("weeks", gettext_lazy("weeks")),
)
GOALS = (
    ("", gettext_lazy("No goal")),
    (rules.SEGMENT, gettext_lazy("The contact enters a segment")),
    ("event", gettext_lazy("The contact does something")),
)
ZONES = (("account", gettext_lazy("of the account")), ("contact", gettext_lazy("of each contact, if known")))


FOLLOWING = {
    ("limitation", rules.SEGMENT): ("segment", "exit_when_left"),
    ("reentry", rules.AFTER): ("reentry_count", "reentry_unit"),
    ("goal", rules.SEGMENT): ("goal_segment",),
    ("goal", "event"): ("goal_event",),
}
HOURS = ("hours_from", "hours_to", "blocked_days", "hours_zone")


class StartForm(ShapedForm):
    """What only some choices need is there with these choices."""

    shaping = ("limitation", "reentry", "goal")

    limitation = forms.ChoiceField(label=gettext_lazy("Select a limitation"), choices=LIMITATIONS, initial="all")
    segment = SegmentField(label=gettext_lazy("Segment"), required=False)
    exit_when_left = forms.BooleanField(
        label=gettext_lazy("Contacts leave the workflow when they leave the segment"), required=False
    )
    which = forms.ChoiceField(label=gettext_lazy("Which contacts"), choices=WHICH, initial=rules.BOTH)
    reentry = forms.ChoiceField(label=gettext_lazy("Contacts can enter again"), choices=REENTRY, initial=rules.NEVER)
    reentry_count = forms.IntegerField(label=gettext_lazy("Span"), min_value=1, max_value=10_000, required=False)
    reentry_unit = forms.ChoiceField(label=gettext_lazy("Unit of the span"), choices=UNITS, required=False)
    goal = forms.ChoiceField(
        label=gettext_lazy("Goal"), choices=GOALS, required=False, help_text=gettext_lazy("Reaching it ends the run.")
    )
    goal_segment = SegmentField(label=gettext_lazy("Segment of the goal"), required=False)
    goal_event = EventTypeField(label=gettext_lazy("Event of the goal"), required=False)
    hours_from = forms.TimeField(
        label=gettext_lazy("Hours from"), required=False, widget=forms.TimeInput(attrs={"type": "time"})
    )
    hours_to = forms.TimeField(
        label=gettext_lazy("until"),
        required=False,
        widget=forms.TimeInput(attrs={"type": "time"}),
        help_text=gettext_lazy("Outside of these hours, messages wait."),
    )
    blocked_days = forms.TypedMultipleChoiceField(
        label=gettext_lazy("Not on these days"),
        choices=list(WEEKDAYS.items()),
        coerce=int,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    hours_zone = forms.ChoiceField(label=gettext_lazy("Time zone"), choices=ZONES, required=False)

    def shape(self) -> None:
        for name in ("segment", "goal_segment", "goal_event"):
            self.fields[name].offer(self.context)  # type: ignore[attr-defined]
        for (name, choice), following in FOLLOWING.items():
            if self.given(name) != choice:
                for one in following:
                    del self.fields[one]

    @property
    def always_shown(self) -> list[Any]:
        """All but the hours and days."""
        return [bound for bound in self if bound.name not in HOURS]

    @property
    def hours_are_open(self) -> bool:
        """Whether something is said about them, or wrong with it."""
        return any(self[name].value() or self[name].errors for name in HOURS if name != "hours_zone")

    @classmethod
    def as_data(cls, settings: Settings) -> dict[str, Any]:
        return {"limitation": "all", "which": rules.BOTH, "reentry": rules.NEVER} | dict(settings)

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        self._needs(data, "limitation", rules.SEGMENT, "segment", _("Choose the segment that contacts belong to."))
        self._needs(data, "reentry", rules.AFTER, "reentry_count", _("Say after how long."))
        self._needs(data, "goal", rules.SEGMENT, "goal_segment", _("Choose the segment of the goal."))
        self._needs(data, "goal", "event", "goal_event", _("Choose the event of the goal."))
        hours_from, hours_to = data.get("hours_from"), data.get("hours_to")
        if hours_from and hours_to and hours_from >= hours_to:
            self.add_error("hours_to", _("The end must come after the beginning."))
        if len(data.get("blocked_days") or []) == 7:
            self.add_error("blocked_days", _("One day at least must be left."))
        return data

    def _needs(self, data: dict[str, Any], name: str, value: str, other: str, message: str) -> None:
        if data.get(name) == value and not data.get(other) and other not in self.errors:
            self.add_error(other, message)


@NODES.register
class Start(Node):
    key = "start"
    label = gettext_lazy("Start")
    help = gettext_lazy(
        "Decides which contacts take part. Triggers right behind it let them in; without any, they start at once."
    )
    group = NodeGroup.START
    icon = "circle-play"
    form = StartForm
    template = "workflows/nodes/start.html"

    def describe(self, settings: Settings, context: NodeContext) -> str:
        words = rules.Rules(settings)
        if words.segment:
            segment = context.conditions.segments.get(words.segment)
            return str(segment) if segment else _("a segment that is gone")
        text = dict(LIMITATIONS)[settings.get("limitation") or "all"]
        which = dict(WHICH)[words.which]
        return str(text if words.which == rules.BOTH else f"{text} · {which}")

    def segments(self, settings: Settings) -> set[int]:
        used = {rules.Rules(settings).segment}
        if settings.get("goal") == rules.SEGMENT:
            used.add(settings.get("goal_segment"))
        return {pk for pk in used if pk}

    def work(self, batch: Batch) -> Iterable[Outcome]:
        yield Next(batch.run_ids)
