"""Events of any type, with filters on their properties."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.arrivals import event_key
from contacts.event_types import event_type, is_event_type
from segments.values import storable
from workflows.nodes.base import NODES, Happening, NodeContext, Settings, Trigger
from workflows.nodes.choosing import EventTypeField
from workflows.nodes.shaped import ShapedForm
from workflows.nodes.triggers.filters import (
    NUMBERS,
    TEXTS,
    choices_of,
    joined,
    lines_field,
    lines_of,
    number_fits,
    number_in_words,
    text_fits,
    text_in_words,
)

MOST_FILTERS = 5
VALUE = "value"  # as a property, the event's own value
OPERATORS = [
    (gettext_lazy("Text"), choices_of(TEXTS)),
    (gettext_lazy("Number"), choices_of(NUMBERS)),
]


class CustomEventForm(ShapedForm):
    """A type of events, and filters: there is always an empty one more than are filled in."""

    event = EventTypeField(label=gettext_lazy("Event"), error_messages={"required": gettext_lazy("Choose an event.")})

    def shape(self) -> None:
        self.fields["event"].offer(self.context)  # type: ignore[attr-defined]
        for number in range(1, MOST_FILTERS + 1):
            self.fields |= self._filter(number)
        filled = [number for number in range(1, MOST_FILTERS + 1) if self.given(f"property_{number}")]
        for number in range(max(filled, default=0) + 2, MOST_FILTERS + 1):
            for name in self._filter(number):
                del self.fields[name]

    def _filter(self, number: int) -> dict[str, forms.Field]:
        return {
            f"property_{number}": forms.CharField(
                label=_("Filter %(number)s: property") % {"number": number},
                max_length=100,
                required=False,
                validators=[storable],
                widget=forms.TextInput(attrs={"hx-post": ""}),
                help_text=_("Such as “category”. “value” is the value of the event.") if number == 1 else "",
            ),
            f"operator_{number}": forms.ChoiceField(
                label=_("Filter %(number)s: comparison") % {"number": number}, choices=OPERATORS, required=False
            ),
            f"value_{number}": lines_field(
                _("Filter %(number)s: with") % {"number": number},
                _("Several texts on a line each, of which any counts.") if number == 1 else "",
                widget=forms.Textarea(attrs={"rows": 2}),
            ),
        }

    @classmethod
    def as_data(cls, settings: Settings) -> dict[str, Any]:
        data = {"event": settings.get("event")}
        for number, one in enumerate(filters_of(settings)[:MOST_FILTERS], 1):
            data |= {f"{name}_{number}": one.get(name) for name in ("property", "operator", "value")}
        return data

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        for number in range(1, MOST_FILTERS + 1):
            name, values = data.get(f"property_{number}"), data.get(f"value_{number}")
            if values and not name and f"property_{number}" not in self.errors:
                self.add_error(f"property_{number}", _("Enter the property to look at."))
            elif name and f"value_{number}" not in self.errors:
                if not values:
                    self.add_error(f"value_{number}", _("Enter what to compare with."))
                elif data.get(f"operator_{number}") in NUMBERS and not _is_number(values):
                    self.add_error(f"value_{number}", _("Enter one number."))
        return data

    def stored(self) -> dict[str, Any]:
        data = self.cleaned_data
        filled = [number for number in range(1, MOST_FILTERS + 1) if data.get(f"property_{number}")]
        filters = [
            {
                "property": data[f"property_{number}"],
                "operator": data[f"operator_{number}"] or "is",
                "value": data[f"value_{number}"],
            }
            for number in filled
        ]
        return {"event": data["event"], "filters": filters}


def filters_of(settings: Settings) -> list[Mapping[str, Any]]:
    """The filters of the settings; what is none is kept as one that has no value, so that it is told as a fault."""
    stored = settings.get("filters") or []
    filters = stored if isinstance(stored, list) else [stored]
    return [one if isinstance(one, dict) else {"property": "?"} for one in filters]


def _is_number(values: list[str]) -> bool:
    try:
        return len(values) == 1 and Decimal(values[0]).is_finite()
    except InvalidOperation:
        return False


def _fits(one: Mapping[str, Any], happening: Happening) -> bool:
    name, how, wanted = one["property"], one.get("operator") or "is", lines_of(one["value"])
    found = happening.value if name == VALUE and happening.value is not None else happening.properties.get(name)
    return number_fits(found, how, wanted[0]) if how in NUMBERS else text_fits(found, how, wanted)


def _in_words(one: Mapping[str, Any]) -> str:
    name, how, wanted = str(one.get("property")), one.get("operator") or "is", lines_of(one.get("value"))
    return number_in_words(name, how, wanted[0]) if how in NUMBERS and wanted else text_in_words(name, how, wanted)


@NODES.register
class CustomEvent(Trigger):
    key = "custom_event"
    label = gettext_lazy("On custom event")
    help = gettext_lazy(
        "The contact does anything that Muster gets as an event, such as a visit to a store, a review or a booking."
    )
    icon = "zap"
    form = CustomEventForm
    template = "workflows/nodes/shaped.html"

    def keys(self, settings: Settings) -> set[str]:
        return {event_key(settings["event"])} if is_event_type(settings.get("event")) else set()

    def matches(self, settings: Settings, happening: Happening, *, workflow_id: int) -> bool:
        return all(_fits(one, happening) for one in filters_of(settings))

    def describe(self, settings: Settings, context: NodeContext) -> str:
        if not is_event_type(settings.get("event")):
            return ""
        words = [_in_words(one) for one in filters_of(settings)]
        return joined(str(event_type(settings["event"]).label), *words, empty="")
