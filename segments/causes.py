"""Why a contact entered or left a segment, in words."""

from __future__ import annotations

import re
from collections.abc import Iterable

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.event_types import event_type
from contacts.fields import catalogue
from contacts.models import ContactList, Import
from segments.models import Cause, Segment, Transition


def causes_of(transitions: Iterable[Transition]) -> dict[int, str]:
    """The cause of each transition by its id, such as "Contact edited: Country". At most four queries."""
    transitions = list(transitions)
    keys = {key for transition in transitions for key in _keys(transition)}
    names = _names(keys)
    return {transition.pk: _in_words(transition, names) for transition in transitions}


def reasons_of(transitions: Iterable[Transition]) -> dict[int, str]:
    """Why each transition happened, by its id, as a sentence such as "Country was edited". At most four queries."""
    transitions = list(transitions)
    names = _names({key for transition in transitions for key in _keys(transition)})
    return {transition.pk: _reason(transition, names) for transition in transitions}


REASONS = {
    Cause.EDIT: (gettext_lazy("%(detail)s was edited"), gettext_lazy("The contact was edited")),
    Cause.EVENT: (gettext_lazy("An event came in: %(detail)s"), gettext_lazy("An event came in")),
    Cause.LIST: (
        gettext_lazy("The subscription to the list %(detail)s changed"),
        gettext_lazy("The subscription to a list changed"),
    ),
    Cause.SEGMENT: (
        gettext_lazy("It entered or left the segment %(detail)s"),
        gettext_lazy("It entered or left another segment"),
    ),
    Cause.HAND: (gettext_lazy("%(detail)s did it by hand"), gettext_lazy("Somebody did it by hand")),
    Cause.IMPORT: (gettext_lazy("The import %(detail)s did it"), gettext_lazy("An import did it")),
    Cause.WORKFLOW: (gettext_lazy("The workflow %(detail)s did it"), gettext_lazy("A workflow did it")),
    Cause.TIME: ("", gettext_lazy("Time passed: a condition came true, or no longer is")),
    Cause.DEFINITION: ("", gettext_lazy("The conditions of the segment were changed")),
    Cause.REFRESH: ("", gettext_lazy("The segment was refreshed")),
    Cause.AUDIT: ("", gettext_lazy("The audit found a difference and repaired it")),
}
"""How each cause reads, with and without what narrows it down."""


def _reason(transition: Transition, names: dict[str, str]) -> str:
    keys = _keys(transition)
    if keys == ["contact"]:
        return _("The contact was created")
    detail = ", ".join(names[key] for key in keys if key in names) if keys else transition.detail
    narrowed, plain = REASONS[Cause(transition.cause)]
    return str(narrowed) % {"detail": detail} if detail and narrowed else str(plain)


BY_CHANGE = (Cause.EDIT, Cause.EVENT, Cause.LIST, Cause.SEGMENT)
IMPORT_KEY = re.compile(r"import:\d+(, [a-z]+:\S+)*")


def _keys(transition: Transition) -> list[str]:
    """The keys of the changes that were seen.

    What was done by hand has a person's name instead, and what an import did while it was under way has its name.
    """
    by_change = transition.cause in BY_CHANGE or IMPORT_KEY.fullmatch(transition.detail)
    return transition.detail.split(", ") if by_change else []


def _names(keys: set[str]) -> dict[str, str]:
    names = {f"event:{name}": str(event_type(name).label) for name in _of_kind("event", keys)}
    if _of_kind("field", keys):
        fields = catalogue()
        names |= {f"field:{name}": str(fields[name].label) for name in _of_kind("field", keys) if name in fields}
    for kind, model in (("list", ContactList), ("import", Import), ("segment", Segment)):
        ids = [int(name) for name in _of_kind(kind, keys) if name.isdecimal()]
        if ids:
            found = model._default_manager.filter(pk__in=ids).values_list("pk", "name")
            names |= {f"{kind}:{pk}": name for pk, name in found}
    return names


def _of_kind(kind: str, keys: set[str]) -> list[str]:
    return [key.removeprefix(f"{kind}:") for key in keys if key.startswith(f"{kind}:")]


def _in_words(transition: Transition, names: dict[str, str]) -> str:
    cause = str(transition.get_cause_display())
    keys = _keys(transition)
    if keys == ["contact"]:
        return _("Contact created")
    named = ", ".join(names[key] for key in keys if key in names) if keys else transition.detail
    return _("%(cause)s: %(detail)s") % {"cause": cause, "detail": named} if named else cause
