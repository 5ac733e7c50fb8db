"""The Wait node: contacts stay there for a time, until a moment, or until something happens."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from workflows.nodes.base import (
    NODES,
    Batch,
    Next,
    Node,
    NodeContext,
    NodeGroup,
    Outcome,
    Port,
    Settings,
    Visit,
    WaitUntil,
)
from workflows.nodes.shaped import ShapedForm
from workflows.nodes.waits import HAPPENED, UNTIL, Until

IN_A_TEST = timedelta(seconds=3)
"""What every wait is shortened to in a test."""


def shortened(moment: datetime, visit: Visit, batch: Batch) -> datetime:
    """The moment until which a visit waits: in a test, soon after it arrived."""
    return min(moment, visit.arrived_at + IN_A_TEST) if batch.is_test else moment


class WaitForm(ShapedForm):
    until = forms.ChoiceField(
        label=gettext_lazy("Wait"), choices=[(one.key, one.label) for one in UNTIL], initial=next(iter(UNTIL)).key
    )
    shaping = ("until",)

    @classmethod
    def as_data(cls, settings: Settings) -> dict[str, Any]:
        return {"until": next(iter(UNTIL)).key, "unit": "days"} | dict(settings)

    def shape(self) -> None:
        if self.given("until") in UNTIL:
            self.fields.update(UNTIL[self.given("until")].fields(self.context))

    def clean(self) -> dict[str, Any]:
        if not self.errors:
            for name, message in UNTIL[self.cleaned_data["until"]].clean(self.cleaned_data, self.context).items():
                self.add_error(name, message)
        return self.cleaned_data


@NODES.register
class Wait(Node):
    key = "wait"
    label = gettext_lazy("Wait")
    help = gettext_lazy(
        "Contacts stay here for a span of time, until a moment, until a date of their own, or until something happens."
        " A moment that is already past lets them go on at once; who has no such date leaves by “No date”."
    )
    group = NodeGroup.TIMING
    icon = "hourglass"
    form = WaitForm
    template = "workflows/nodes/shaped.html"
    waits = True

    def ports(self, settings: Settings) -> list[Port]:
        return _until(settings).ports()

    def describe(self, settings: Settings, context: NodeContext) -> str:
        return "" if self.faults(settings, context) else _until(settings).describe(settings, context)

    def keys(self, settings: Settings) -> set[str]:
        awaits = _until(settings).awaits(settings)
        return {awaits} if awaits else set()

    def work(self, batch: Batch) -> Iterable[Outcome]:
        until = _until(batch.settings)
        happened = {visit.run_id for visit in batch.visits if visit.woken}
        yield Next(happened, HAPPENED.key)
        moments = until.moments(batch.only(set(batch.run_ids) - happened))
        if until.without:
            yield Next([run for run, moment in moments.items() if moment is None], until.without.key)
        ends = {
            visit.run_id: shortened(moment, visit, batch)
            for visit in batch.visits
            if (moment := moments.get(visit.run_id)) is not None
        }
        yield Next([run for run, moment in ends.items() if moment <= batch.now], until.over.key)
        waiting = {run: moment for run, moment in ends.items() if moment > batch.now}
        yield WaitUntil(waiting.keys(), at=waiting, awaits=until.awaits(batch.settings))


def _until(settings: Settings) -> Until:
    """What the settings wait for; for settings that are not made yet, the first that the form offers."""
    return UNTIL[settings.get("until")] if settings.get("until") in UNTIL else next(iter(UNTIL))
