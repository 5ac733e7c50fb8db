"""Changing one field of many contacts at once, by what they have in it: one statement for any number of them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Case, DecimalField, F, IntegerField, Q, QuerySet, Value, When
from django.db.models.functions import Cast, Concat, Greatest, Least, Left, Round
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from contacts import changes
from contacts.editing import UNIQUE, no_value
from contacts.fields import Field
from contacts.json_rows import in_values, moment_writer, values_parameter
from contacts.models import Contact
from contacts.typed_json import checked_key
from contacts.types import LARGEST_IN_COLUMN, LARGEST_INTEGER

SET, NOW, ADD, MULTIPLY, APPEND, CLEAR = "set", "now", "add", "multiply", "append", "clear"
AMENDMENTS = {
    SET: _("Set to"),
    NOW: _("Set to the current date"),
    ADD: _("Add"),
    MULTIPLY: _("Multiply by"),
    APPEND: _("Append"),
    CLEAR: _("Clear"),
}
WITHOUT_VALUE = (NOW, CLEAR)
LARGEST_DECIMAL = Decimal("99999999999.9999")
PLACES = 4
LONGEST = {"text": 255, "long_text": 10_000}
SEPARATORS = {"text": ", ", "long_text": "\n"}


def can_be_amended(field: Field) -> bool:
    """Whether many contacts may be given the same value: not what tells them apart, nor what follows from events."""
    return field.editable and field.key not in UNIQUE


def amendments_of(field: Field) -> list[str]:
    """What can be done with the values of a field, by key of `AMENDMENTS`."""
    offered = [SET]
    if field.type.family in ("date", "datetime"):
        offered.append(NOW)
    if field.type.family == "number":
        offered += [ADD, MULTIPLY]
    if field.type.key in LONGEST or field.type.family == "choices":
        offered.append(APPEND)
    return offered if field.always_set else [*offered, CLEAR]


def amend(contact_ids: Iterable[int], field: Field, amendment: str, value: Any = None, *, now: datetime) -> int:
    """Change a field of these contacts; returns how many have another value now.

    ``value`` is what the form field of the field cleans: the new value, or what is appended, or the number that is
    added or multiplied by. Adding to no number counts from 0; multiplying leaves no number as it is. A number stays
    within what the field can hold, and an appended text is cut there. Raises ValueError for a field that cannot be
    written so.
    """
    if not can_be_amended(field) or amendment not in amendments_of(field):
        raise ValueError(f"the field {field.key} cannot be written by {amendment!r}")
    if amendment == NOW:
        moment = timezone.localtime(now, timezone.get_default_timezone())
        amendment, value = SET, now if field.type.family == "datetime" else moment.date()
    if amendment == SET and field.type.is_empty(value):
        amendment = CLEAR
    ids = list(contact_ids)
    with changes.recorded(now=now):
        ids = _locked(ids)
        if field.is_custom:
            return _amend_custom(ids, field, amendment, value, now=now)
        return _amend_column(Contact.objects.filter(pk__in=ids), field, amendment, value, now=now)


def _locked(ids: list[int]) -> list[int]:
    """Those of the contacts that are there, locked until the transaction ends, in the same order by every writer."""
    contacts = Contact.objects.filter(pk__in=ids).order_by("pk")
    if connection.features.has_select_for_no_key_update:
        contacts = contacts.select_for_update(no_key=True)
    return list(contacts.values_list("pk", flat=True))


def _amend_column(contacts: QuerySet[Contact], field: Field, amendment: str, value: Any, *, now: datetime) -> int:
    column = field.column
    new: Any
    if amendment in (ADD, MULTIPLY):
        new = _number(column, amendment, value)
        contacts = contacts.filter(~Q(**{column: new}))
    elif amendment == APPEND:
        longer = Concat(F(column), Value(SEPARATORS[field.type.key]), Value(value))
        new = Left(Case(When(**{column: ""}, then=Value(value)), default=longer), field.max_length)
    else:
        new = no_value(column) if amendment == CLEAR else value
        contacts = contacts.exclude(**{column: new})
    besides = {"newsletter_at": now} if column == "newsletter" else {}
    return contacts.update(**{column: new, "updated_at": now, **besides})


def _number(column: str, amendment: str, value: Any) -> Any:
    """A whole number, changed. It is computed with more digits than the column has, so that nothing overflows."""
    exact: DecimalField[Any, Any] = DecimalField(max_digits=30, decimal_places=PLACES)
    before, amount = Cast(F(column), exact), Value(Decimal(value), output_field=exact)
    changed = Round(before + amount if amendment == ADD else before * amount)
    within = Greatest(Least(changed, Value(LARGEST_IN_COLUMN)), Value(-LARGEST_IN_COLUMN))
    return Cast(within, IntegerField())


AMEND_ON_POSTGRESQL = """
    UPDATE contacts_contact SET custom = custom || jsonb_build_object('{key}', amended.new), updated_at = %s
    FROM (SELECT id AS amended_id, {new} AS new FROM contacts_contact WHERE {these}) AS amended
    WHERE id = amended_id AND new IS NOT NULL AND custom -> '{key}' IS DISTINCT FROM new
"""
AMEND_ON_SQLITE = """
    UPDATE contacts_contact SET custom = json_set(custom, '{path}', json(amended.new)), updated_at = %s
    FROM (SELECT id AS amended_id, {new} AS new FROM contacts_contact WHERE {these}) AS amended
    WHERE id = amended_id AND new IS NOT NULL AND (json_type(custom, '{path}') IS NOT json_type(new)
        OR json_extract(custom, '{path}') IS NOT json_extract(new, '$'))
"""
CLEAR_ON_POSTGRESQL = """
    UPDATE contacts_contact SET custom = custom - '{key}', updated_at = %s
    WHERE {these} AND custom -> '{key}' IS NOT NULL
"""
CLEAR_ON_SQLITE = """
    UPDATE contacts_contact SET custom = json_remove(custom, '{path}'), updated_at = %s
    WHERE {these} AND json_type(custom, '{path}') IS NOT NULL
"""


def _amend_custom(ids: list[int], field: Field, amendment: str, value: Any, *, now: datetime) -> int:
    postgresql = connection.vendor == "postgresql"
    key = checked_key(field.json_key)
    names = {"key": key, "path": f'$."{key}"', "these": in_values("id")}
    moment, these = moment_writer()(now), values_parameter(ids)
    params: list[Any]
    if amendment == CLEAR:
        sql = CLEAR_ON_POSTGRESQL if postgresql else CLEAR_ON_SQLITE
        params = [moment, these]
    else:
        sql = AMEND_ON_POSTGRESQL if postgresql else AMEND_ON_SQLITE
        names["new"], values = _new_json(field, amendment, value, names)
        params = [moment, *values, these]
    with connection.cursor() as cursor:
        cursor.execute(sql.format(**names), params)
        return int(cursor.rowcount)


def _new_json(field: Field, amendment: str, value: Any, names: dict[str, str]) -> tuple[str, list[Any]]:
    """SQL for the JSON that a contact gets under the key, NULL where there is none to get, and its parameters."""
    templates = ON_POSTGRESQL if connection.vendor == "postgresql" else ON_SQLITE
    if amendment == SET:
        return templates["set"], [_json(field.type.to_json(value))]
    if amendment == APPEND and field.type.family == "choices":
        return templates["choices"].format(**names), [_json(value)]
    if amendment == APPEND:
        return templates["text"].format(**names), [SEPARATORS[field.type.key], value, LONGEST[field.type.key]]
    most, places = (LARGEST_INTEGER, 0) if field.type.key == "integer" else (LARGEST_DECIMAL, PLACES)
    changed = "COALESCE({number}, 0) + {amount}" if amendment == ADD else "{number} * {amount}"
    sql = templates["number"].format(changed=changed.format(number=templates["read"], amount=templates["amount"]))
    return sql.format(**names, most=most, places=places), [str(value)]


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


ON_POSTGRESQL = {
    "set": "%s::jsonb",
    "choices": """(SELECT had || COALESCE(jsonb_agg(one) FILTER (WHERE NOT had @> one), '[]') FROM (SELECT CASE
        jsonb_typeof(custom -> '{key}') WHEN 'array' THEN custom -> '{key}' ELSE '[]' END AS had) AS had,
        jsonb_array_elements(%s::jsonb) AS one GROUP BY had)""",
    "text": """to_jsonb(left(CASE WHEN jsonb_typeof(custom -> '{key}') = 'string'
        THEN COALESCE(NULLIF(custom ->> '{key}', '') || %s::text, '') ELSE '' END || %s::text, %s::int))""",
    "read": "CASE WHEN jsonb_typeof(custom -> '{key}') = 'number' THEN (custom -> '{key}')::numeric END",
    "amount": "%s::numeric",
    "number": """(SELECT to_jsonb(trim_scale(round(LEAST(GREATEST(n, -{{most}}), {{most}}), {{places}})))
        FROM (SELECT {changed} AS n) AS changed WHERE n IS NOT NULL)""",
}
ON_SQLITE = {
    "set": "%s",
    "choices": """(SELECT json_group_array(value) FROM (
        SELECT value FROM json_each(CASE json_type(custom, '{path}') WHEN 'array' THEN custom -> '{path}' END)
        UNION SELECT value FROM json_each(%s)))""",
    "text": """json_quote(substr(CASE WHEN json_type(custom, '{path}') = 'text'
        THEN COALESCE(NULLIF(json_extract(custom, '{path}'), '') || %s, '') ELSE '' END || %s, 1, %s))""",
    "read": "CASE WHEN json_type(custom, '{path}') IN ('integer', 'real') THEN json_extract(custom, '{path}') END",
    "amount": "CAST(%s AS NUMERIC)",
    # A whole number is written without a decimal point, as it is by a form.
    "number": """(SELECT CASE WHEN n IS NOT NULL
        THEN json_quote(CASE WHEN n = CAST(n AS INTEGER) THEN CAST(n AS INTEGER) ELSE n END) END
        FROM (SELECT round(MIN(MAX({changed}, -{{most}}), {{most}}), {{places}}) AS n))""",
}
