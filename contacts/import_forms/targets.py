"""What the columns of a file can go to, as a select offers it."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from contacts.fields import Catalogue
from contacts.models import ContactList, Import

NOT_IMPORTED = ""
NEW_FIELD = "new"
PROPERTY = "property"  # with the kind of its values: "property:number"


@dataclass(frozen=True)
class Target:
    """``family`` is that of the values: it says whether the form of dates or numbers has to be known."""

    key: str
    label: str
    family: str = "text"


class Targets:
    """All targets, ``groups`` of them under headings and what comes before those."""

    def __init__(self, first: list[Target], groups: list[tuple[str, list[Target]]]) -> None:
        self._targets = {target.key: target for target in [*first, *(one for _heading, of in groups for one in of)]}
        parts = [_options(first)]
        parts += [format_html('<optgroup label="{}">{}</optgroup>', heading, _options(of)) for heading, of in groups]
        # A file may have hundreds of columns, and each of them offers all of this: it is written once.
        self._html = "".join(parts)

    def __contains__(self, key: object) -> bool:
        return key in self._targets

    def __getitem__(self, key: str) -> Target:
        return self._targets[key]

    def only(self, chosen: str) -> SafeString:
        """The options of a select that offers no more than what is chosen, until it gets the others."""
        return _options([self[chosen]]) if chosen in self else _options([])

    def options(self, chosen: str = "") -> SafeString:
        """The options of a select in which ``chosen`` is selected."""
        if chosen not in self:
            return mark_safe(self._html)
        value = format_html('value="{}"', chosen)
        return mark_safe(self._html.replace(value, f"{value} selected", 1))


def _options(targets: list[Target]) -> SafeString:
    return format_html_join(
        "",
        '<option value="{}" data-family="{}">{}</option>',
        ((target.key, target.family, target.label) for target in targets),
    )


def targets_of(kind: str, fields: Catalogue, *, may_declare: bool) -> Targets:
    """What a file of this kind can be imported into; reads the lists."""
    return _of_events() if kind == Import.Kind.EVENTS else _of_contacts(fields, may_declare=may_declare)


def _of_contacts(fields: Catalogue, *, may_declare: bool) -> Targets:
    first = [Target(NOT_IMPORTED, _("Do not import"), "")]
    if may_declare:
        first.append(Target(NEW_FIELD, _("New custom field…"), "new"))
    groups = [
        (heading, [Target(field.key, str(field.label), field.type.family) for field in of if field.editable])
        for heading, of in fields.grouped()
    ]
    lists = [
        Target(f"list:{pk}", _("Subscribed to “%(list)s”") % {"list": name}, "boolean")
        for pk, name in ContactList.objects.values_list("pk", "name")
    ]
    return Targets(first, [group for group in [*groups, (_("Lists"), lists)] if group[1]])


def _of_events() -> Targets:
    return Targets(
        [Target(NOT_IMPORTED, _("Do not import"), "")],
        [
            (
                _("Whose event it is"),
                [
                    Target("external_id", _("External id")),
                    Target("email", _("Email")),
                    Target("visitor_key", _("Visitor key")),
                    Target("contact_id", _("Number of the contact in Muster")),
                ],
            ),
            (
                _("The event"),
                [
                    Target("occurred_at", _("When it happened"), "datetime"),
                    Target("type", _("Type")),
                    Target("value", _("Amount"), "number"),
                    Target("key", _("What makes it unique")),
                ],
            ),
            (
                _("Property of the event"),
                [
                    Target("property:text", _("Text"), "property"),
                    Target("property:number", _("Number"), "property number"),
                    Target("property:boolean", _("Yes or no"), "property"),
                ],
            ),
        ],
    )
