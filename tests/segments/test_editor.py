"""The editor's tree: what is printed comes back as the same definition, and every step keeps what was typed."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.exceptions import BadRequest
from django.http import QueryDict
from django.template.loader import render_to_string
from hypothesis import given, settings
from hypothesis import strategies as st

from contacts.fields import catalogue
from contacts.models import ContactField, ContactList
from segments.compiler import validate
from segments.context import Context
from segments.editor import Group, Row, Tree, read_tree, tree_of
from segments.models import Segment
from segments.operators import OPERATORS, Operator, operators_for
from segments.windows import WINDOWS
from tests.segments.definitions import dynamic, dynamic_plus, field_rules, list_rules, segment_rules
from tests.segments.printed import Data, posted
from tests.segments.worlds import CUSTOM_TYPES, OPTIONS

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)

SYSTEM = (
    "first_name",
    "email",
    "phone",
    "points",
    "purchases_total",
    "date_of_birth",
    "last_seen_at",
    "gender",
    "country",
)
FIELDS = [*SYSTEM, *(f"custom.{key}" for key in CUSTOM_TYPES)]
ONE = {
    "text": "O'Brien <b>&\"",
    "number": 12.5,
    "date": "2026-01-31",
    "datetime": "2026-01-31T09:30",
    "choice": "",
    "choices": "",
}
WINDOW_VALUES = {
    "count": 3,
    "unit": "months",
    "from_count": 0,
    "to_count": 12,
    "from": "2026-01-01",
    "to": "2026-02-28",
    "date": "2026-03-01",
}


@pytest.fixture
def custom_fields() -> None:
    for key, kind in CUSTOM_TYPES.items():
        options = [{"value": option, "label": option} for option in OPTIONS] if kind in ("choice", "choices") else []
        ContactField.objects.create(key=key, label=key.title(), type=kind, options=options)


def sample(operator: Operator, field: Any) -> Any:
    """A value that the operator takes for the field."""
    family = field.type.family
    one = field.choices()[-1][0] if field.choices() else ONE.get(family)
    if family == "number" and field.type.key == "integer":
        one = 12
    names = operator.shape.names
    if names == ("value",):
        if isinstance(operator.shape.fields(field)["value"].clean([one] if several(operator, field) else one), list):
            return [one]
        return "2026-01-31" if operator.key in ("on", "not_on") else one
    amounts = {"from": one, "to": one, "count": 2, "unit": "months", "from_count": 1, "to_count": 4, "month": 2}
    return (
        {name: amounts[name] for name in names} | ({"unit": "quarter"} if names == ("unit",) else {}) if names else None
    )
