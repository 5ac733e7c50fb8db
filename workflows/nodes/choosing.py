"""Form fields with which nodes choose something that exists: a segment, a list, a type of event.

Their choices are read when the form is made: each is told the form's `NodeContext` by ``offer``.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.event_types import EVENT_TYPES, event_type, is_event_type
from workflows.nodes.base import NodeContext, NodeForm

GONE = gettext_lazy("What was chosen here is gone. Choose another one.")
NO_TYPE = gettext_lazy("Enter the event as your shop sends it: small letters, digits and _, such as store_visit.")
ANOTHER = "+"  # no event can have this type
LONGEST_TYPE = 63


class Choosing(forms.TypedChoiceField):
    """A select of what the context has, stored by its id or key."""

    empty = gettext_lazy("Choose…")

    def __init__(self, **options: Any) -> None:
        messages = {"invalid_choice": GONE} | options.pop("error_messages", {})
        super().__init__(choices=[], empty_value=None, error_messages=messages, **options)

    def offer(self, context: NodeContext) -> None:
        """Take the choices from the context."""
        self.choices = [("", self.empty), *self.offered(context)]

    def offered(self, context: NodeContext) -> list[tuple[Any, str]]:
        raise NotImplementedError


class SegmentField(Choosing):
    """A segment; ``static`` offers only those that are filled by hand."""

    def __init__(self, *, static: bool = False, **options: Any) -> None:
        self.static = static
        super().__init__(coerce=int, **options)

    def offered(self, context: NodeContext) -> list[tuple[Any, str]]:
        found = (one for one in context.conditions.segments.values() if one.is_static or not self.static)
        return sorted(((one.pk, one.name) for one in found), key=lambda pair: (pair[1].casefold(), pair[0]))


class SegmentForm(NodeForm):
    """The settings of a node that is about one segment."""

    segment = SegmentField(
        label=gettext_lazy("Segment"),
        help_text=gettext_lazy("A segment of any type: static, dynamic or dynamic plus."),
        error_messages={"required": gettext_lazy("Choose a segment.")},
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["segment"].offer(self.context)  # type: ignore[attr-defined]


class ListField(Choosing):
    """A contact list."""

    def __init__(self, **options: Any) -> None:
        super().__init__(coerce=int, **options)

    def offered(self, context: NodeContext) -> list[tuple[Any, str]]:
        return list(context.conditions.lists.items())


class EventTypeInput(forms.Select):
    """A select of types, and an input for one that is not among them, which is seen when that is chosen."""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        chosen = super().value_from_datadict(data, files, name)
        return str(data.get(f"{name}-typed") or "").strip() or ANOTHER if chosen == ANOTHER else chosen

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        is_known = not value or any(value == key for key, _label in self.choices)
        select = super().render(name, value if is_known else ANOTHER, attrs, renderer)
        typed = {"name": f"{name}-typed", "value": "" if is_known else value, "longest": LONGEST_TYPE}
        return select + render_to_string("workflows/nodes/_another_event.html", typed)


class EventTypeField(Choosing):
    """A type of events: one that Muster knows or that was seen in the data, or another one, typed in."""

    widget = EventTypeInput

    def __init__(self, **options: Any) -> None:
        messages = {"invalid_choice": NO_TYPE} | options.pop("error_messages", {})
        super().__init__(coerce=str, error_messages=messages, **options)

    def offered(self, context: NodeContext) -> list[tuple[Any, str]]:
        keys = dict.fromkeys([*EVENT_TYPES.keys(), *context.conditions.event_types])
        return [*((key, str(event_type(key).label)) for key in keys), (ANOTHER, _("Another event…"))]

    def valid_value(self, value: Any) -> bool:
        return is_event_type(value)


def name_of(found: dict[int, Any], pk: Any) -> str:
    """The name of what was chosen, for the card."""
    return str(found[pk]) if pk in found else _("gone")
