"""Short words for tests of single rules: contacts with a name and one value, and who of them a rule holds for."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from contacts.fields import catalogue
from contacts.models import Contact
from segments.compiler import matching, validate
from segments.models import Segment


def people(key: str, values: Mapping[str, Any]) -> None:
    """Contacts by name, with their values of a field; a name that has None stays without."""
    field = catalogue()[key]
    for name, value in values.items():
        contact = Contact(external_id=name)
        if value is not None and field.is_custom:
            contact.custom[field.json_key] = field.type.to_json(value)
        elif value is not None:
            setattr(contact, field.column, value)
        contact.save()


def who(key: str, operator: str, value: Any = None, *, now: datetime, only_set: bool = False) -> set[str]:
    """The names of those whom the rule holds for."""
    rule = {"type": "field", "field": key, "operator": operator}
    if value is not None:
        rule["value"] = value
    if only_set:
        rule["only_set"] = True
    return holding(rule, now=now)


def holding(*rules: dict[str, Any], now: datetime, match: str = "all") -> set[str]:
    """The names of those whom a definition of these rules holds for."""
    definition = {"version": 1, "match": match, "rules": list(rules)}
    checked = validate(definition, kind=Segment.Kind.DYNAMIC_PLUS)
    return set(matching(checked, now=now).values_list("external_id", flat=True))
