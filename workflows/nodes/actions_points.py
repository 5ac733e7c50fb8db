"""The lead score: adding points to it, or taking some away."""

from __future__ import annotations

from collections.abc import Iterable

from django import forms
from django.utils.translation import gettext_lazy, ngettext

from contacts.amending import ADD
from contacts.fields import Catalogue
from contacts.types import LARGEST_IN_COLUMN
from workflows.nodes.actions import Action, done
from workflows.nodes.actions_fields import amend_batch
from workflows.nodes.actions_limits import LimitedForm
from workflows.nodes.base import NODES, Batch, NodeContext, Outcome, Settings


class PointsForm(LimitedForm):
    points = forms.IntegerField(
        label=gettext_lazy("Points"),
        min_value=-LARGEST_IN_COLUMN,
        max_value=LARGEST_IN_COLUMN,
        help_text=gettext_lazy("A number below zero takes points away."),
    )

    def clean_points(self) -> int:
        points: int = self.cleaned_data["points"]
        if points == 0:
            raise forms.ValidationError(gettext_lazy("Adding 0 points does nothing."))
        return points


@NODES.register
class AddPoints(Action):
    key = "add_points"
    label = gettext_lazy("Add points")
    help = gettext_lazy("Adds to the contact's lead score, or takes away from it.")
    icon = "star"
    form = PointsForm

    def describe(self, settings: Settings, context: NodeContext) -> str:
        return _in_words(settings["points"]) if settings.get("points") else ""

    def act(self, batch: Batch) -> Iterable[Outcome]:
        amend_batch(batch, Catalogue([])["points"], ADD, batch.settings["points"])
        yield done(batch, _in_words(batch.settings["points"]))


def _in_words(points: int) -> str:
    if points < 0:
        return ngettext("%(count)s point taken away", "%(count)s points taken away", -points) % {"count": -points}
    return ngettext("%(count)s point added", "%(count)s points added", points) % {"count": points}
