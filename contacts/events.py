"""The one write path for events: what contacts did, and what follows from it on the contact.

Whoever has events to write calls `record`. It finds the contacts, writes the events, and keeps first and last seen
and the summary of purchases on the contacts right. It works on sets: a batch takes the same few statements as one
event, and some thousands of events are a good batch.
"""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts import activity_summary, changes
from contacts.activity_summary import Done
from contacts.copy_rows import copy_rows
from contacts.event_types import is_event_type
from contacts.json_rows import as_json, in_values, moment_writer, rows_of, rows_parameter, values_parameter
from contacts.models import Contact
from contacts.retention import ALWAYS_KEPT, removed_before
from contacts.visitors import owners

FUTURE_TOLERANCE = timedelta(minutes=5)
MAY_BE_FORGOTTEN = ALWAYS_KEPT - timedelta(days=1)  # the clocks of writers and of who removes events may differ
LONGEST_KEY = 255
KEY_LABEL = gettext_lazy("key")  # making one for every event would be noticed
LONGEST_PROPERTIES = 65_536
LARGEST_ID = 2**63 - 1
LARGEST_VALUE = Decimal("99999999999.9999")
PLACES = Decimal("0.0001")
JSON = json.JSONEncoder(ensure_ascii=False, allow_nan=False)
WORTH_COPYING = 100  # events from which on COPY is quicker than an INSERT
UNSTORABLE = re.compile("[\0\ud800-\udfff]")  # PostgreSQL keeps no NUL, and half a surrogate pair is no character

# How an event can name its contact besides the id, in the order of preference, with the greatest length.
TEXT_REFERENCES: dict[str, tuple[str | Promise, int]] = {
    "external_id": (gettext_lazy("external id"), 255),
    "email": (gettext_lazy("email"), 254),
    "visitor_key": (gettext_lazy("visitor key"), 64),
}
Reference = tuple[str, int | str]
"""The column of the contact table, and its value."""

EVENT_COLUMNS = {
    "contact_id": "bigint",
    "type": "text",
    "occurred_at": "timestamptz",
    "received_at": "timestamptz",
    "value": "numeric",
    "properties": "text",
    "key": "text",
}


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event to write.

    The contact is named by the first that is given of ``contact_id``, ``external_id``, ``email`` and ``visitor_key``.
    ``occurred_at`` is aware. ``value`` is the event's number, such as the amount of a purchase, kept to four places.
    ``properties`` are a JSON object. ``key`` makes the event unique: a key is never written twice.
    """

    type: str
    occurred_at: datetime
    contact_id: int | None = None
    external_id: str | None = None
    email: str | None = None
    visitor_key: str | None = None
    value: Decimal | int | float | None = None
    properties: dict[str, Any] = field(default_factory=dict)
    key: str | None = None


class Outcome(StrEnum):
    RECORDED = "recorded"
    DUPLICATE = "duplicate"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one event. A recorded one has its ``contact_id``, a refused one the ``reason``."""

    outcome: Outcome
    contact_id: int | None = None
    reason: str = ""


def record(events: Sequence[NewEvent], *, now: datetime) -> list[Result]:
    """Write events, in any order of time, and give the result of each in the order they came.

    One that cannot be written does not stop the others: it is refused with a reason. A time may lie at most
    `FUTURE_TOLERANCE` after ``now``. An unknown visitor key makes an anonymous contact; an unknown id, email or
    external id is refused. Of several events with one key, the first is written.
    """
    moment = moment_writer()
    drafts = [_draft(event, moment, now=now) for event in events]
    with changes.recorded(now=now):
        _set_known_keys_aside(_pending(drafts))
        _refuse_forgotten_keys(_pending(drafts), now=now)
        _find_contacts(_pending(drafts), now=now)
        _set_repeated_keys_aside(_pending(drafts))
        _insert(_pending(drafts), received_at=moment(now))
        activity_summary.add(
            [Done(draft.contact_id, draft.event.type, draft.occurred_at, draft.value) for draft in _pending(drafts)]
        )
    return [draft.result or Result(Outcome.RECORDED, contact_id=draft.contact_id) for draft in drafts]


def foresee(events: Sequence[NewEvent], *, now: datetime, used: Callable[[list[str]], set[str]]) -> list[Result]:
    """What `record` would make of events, without writing anything or keeping anybody waiting.

    ``used`` tells which of some keys count as used besides those that are stored. A new visitor has no ``contact_id``.
    """
    moment = moment_writer()
    drafts = [_draft(event, moment, now=now) for event in events]
    _set_known_keys_aside(_pending(drafts))
    _set_duplicates_aside(_pending(drafts), {*used([draft.event.key for draft in _pending(drafts) if draft.event.key])})
    _refuse_forgotten_keys(_pending(drafts), now=now)
    _know_devices(_pending(drafts))
    found = _found({draft.reference for draft in _pending(drafts)})
    for draft in _pending(drafts):
        draft.contact_id = found.get(draft.reference, 0)
        if not draft.contact_id and draft.reference[0] != "visitor_key":
            draft.result = Result(Outcome.REFUSED, reason=_no_contact(*draft.reference))
    _set_repeated_keys_aside(_pending(drafts))
    return [draft.result or Result(Outcome.RECORDED, contact_id=draft.contact_id or None) for draft in drafts]


@dataclass(slots=True)
class _Draft:
    """An event on its way into the table. One that has a ``result`` already does not go there."""

    event: NewEvent
    occurred_at: str = ""
    reference: Reference = ("id", 0)
    value: Decimal | None = None
    properties: str = "{}"
    contact_id: int = 0
    result: Result | None = None


def _pending(drafts: list[_Draft]) -> list[_Draft]:
    return [draft for draft in drafts if draft.result is None]


# Checking


class _Refused(ValueError):
    """The event cannot be written; the text says why."""


def _draft(event: NewEvent, moment: Callable[[datetime], str], *, now: datetime) -> _Draft:
    draft = _Draft(event)
    try:
        if not is_event_type(event.type):
            raise _Refused(_("The type must be made of a-z, 0-9 and _, and start with a letter."))
        draft.reference = _reference(event)
        draft.occurred_at = moment(_occurred_at(event.occurred_at, now))
        draft.value = _value(event.value)
        draft.properties = _properties(event.properties)
        _check_text(event.key or "", LONGEST_KEY, KEY_LABEL)
    except _Refused as refused:
        draft.result = Result(Outcome.REFUSED, reason=str(refused))
    return draft


def _reference(event: NewEvent) -> Reference:
    if event.contact_id is not None:
        if 0 < event.contact_id <= LARGEST_ID:
            return "id", event.contact_id
        raise _Refused(_no_contact("id", event.contact_id))
    for name, (label, length) in TEXT_REFERENCES.items():
        if text := (getattr(event, name) or "").strip():
            _check_text(text, length, label)
            return name, text.lower() if name == "email" else text
    raise _Refused(_("The event does not say which contact it belongs to."))


def _no_contact(name: str, value: int | str) -> str:
    label = TEXT_REFERENCES[name][0] if name in TEXT_REFERENCES else _("id")
    return _("There is no contact with the %(label)s “%(value)s”.") % {"label": label, "value": value}


def _occurred_at(value: datetime, now: datetime) -> datetime:
    if value.tzinfo is None:
        raise _Refused(_("The time has no time zone."))
    if value > now + FUTURE_TOLERANCE:
        raise _Refused(_("The time lies in the future."))
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise _Refused(_("The time lies too far in the past.")) from None


def _value(value: Decimal | int | float | None) -> Decimal | None:
    if value is None:
        return None
    number = Decimal(str(value))
    if not number.is_finite() or abs(number) > LARGEST_VALUE:
        raise _Refused(_("The value is not a number of at most eleven digits before the point."))
    return number.quantize(PLACES, ROUND_HALF_UP)


def _properties(properties: dict[str, Any]) -> str:
    """The properties as JSON text."""
    if not properties:
        return "{}"
    try:
        text = JSON.encode(properties)
    except (TypeError, ValueError):
        raise _Refused(_("The properties are not JSON.")) from None
    if len(text) > LONGEST_PROPERTIES:
        raise _Refused(_("The properties are longer than %d characters.") % LONGEST_PROPERTIES)
    if "\\u0000" in text or not _is_storable(text):
        raise _Refused(_("The properties contain characters that cannot be stored."))
    return text


def _check_text(text: str, length: int, label: str | Promise) -> None:
    if len(text) > length:
        message = _("The %(label)s is longer than %(length)d characters.")
        raise _Refused(message % {"label": label, "length": length})
    if not _is_storable(text):
        raise _Refused(_("The %(label)s contains characters that cannot be stored.") % {"label": label})


def _is_storable(text: str) -> bool:
    return "\0" not in text if text.isascii() else not UNSTORABLE.search(text)


# Keys


def _set_known_keys_aside(drafts: list[_Draft]) -> None:
    keys = [draft.event.key for draft in drafts if draft.event.key]
    if keys:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT key FROM contacts_event WHERE {in_values('key')}", [values_parameter(keys)])
            _set_duplicates_aside(drafts, {key for (key,) in cursor.fetchall()})


def _refuse_forgotten_keys(drafts: list[_Draft], *, now: datetime) -> None:
    """Refuse what would be written twice if it came from the time of the events that were removed with their keys."""
    old = [draft for draft in drafts if draft.event.key and draft.event.occurred_at < now - MAY_BE_FORGOTTEN]
    horizon = removed_before() if old else None
    for draft in old:
        if horizon and draft.event.occurred_at < horizon:
            reason = _("Events from before %(moment)s were removed, so that nobody knows whether this key was used.")
            moment = date_format(localtime(horizon), "DATETIME_FORMAT")
            draft.result = Result(Outcome.REFUSED, reason=reason % {"moment": moment})


def _set_repeated_keys_aside(drafts: list[_Draft]) -> None:
    seen: set[str] = set()
    for draft in drafts:
        if draft.event.key in seen:
            draft.result = Result(Outcome.DUPLICATE)
        elif draft.event.key:
            seen.add(draft.event.key)


def _set_duplicates_aside(drafts: list[_Draft], known: set[str | None]) -> None:
    for draft in drafts if known else ():
        if draft.event.key in known:
            draft.result = Result(Outcome.DUPLICATE)


# Contacts


def _find_contacts(drafts: list[_Draft], *, now: datetime) -> None:
    """Give every draft its contact: a new visitor becomes one, any other unknown one makes the draft refused."""
    _know_devices(drafts)
    found = _lock({draft.reference for draft in drafts})
    strangers = [draft for draft in drafts if draft.reference[0] == "visitor_key" and draft.reference not in found]
    if strangers:
        _know_devices(strangers)  # a visitor may have become somebody known since
        # In one order, so that two writers with the same new visitors wait for each other and not in a circle.
        keys = sorted({str(value) for name, value in (draft.reference for draft in strangers) if name == "visitor_key"})
        newcomers = [Contact(visitor_key=key, created_at=now, updated_at=now) for key in keys]
        Contact.objects.bulk_create(newcomers, ignore_conflicts=True)
        # While we made a contact of a visitor, another writer may have found out who it is.
        if found_out := _know_devices(strangers):
            Contact.objects.filter(visitor_key__in=found_out).delete()
        found |= _lock({draft.reference for draft in strangers})
    for draft in drafts:
        draft.contact_id = found.get(draft.reference, 0)
        if not draft.contact_id:
            draft.result = Result(Outcome.REFUSED, reason=_no_contact(*draft.reference))


def _know_devices(drafts: list[_Draft]) -> set[str]:
    """Let drafts with the visitor key of a contact's further device name the contact itself; returns these keys."""
    keys = {str(value) for name, value in (draft.reference for draft in drafts) if name == "visitor_key"}
    contacts = owners(keys)
    for draft in drafts if contacts else ():
        name, value = draft.reference
        if name == "visitor_key" and value in contacts:
            draft.reference = "id", contacts[str(value)]
    return set(contacts)


def _lock(references: set[Reference]) -> dict[Reference, int]:
    """The ids of the contacts that are referred to; their rows are locked until the transaction ends.

    The lock keeps a contact from being deleted meanwhile and lets the writers of its events add up one after the
    other. Locks are taken in the order of ids, so that writers cannot wait for each other in a circle.
    """
    return _found(references, "FOR NO KEY UPDATE" if connection.features.has_select_for_no_key_update else "")


def _found(references: set[Reference], lock: str = "") -> dict[Reference, int]:
    """The ids of the contacts that are referred to."""
    named: dict[str, list[int | str]] = defaultdict(list)
    for name, value in references:
        named[name].append(value)
    if not named:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {', '.join(named)}, id FROM contacts_contact"
            f" WHERE {' OR '.join(in_values(name) for name in named)} ORDER BY id {lock}",
            [values_parameter(values) for values in named.values()],
        )
        rows = cursor.fetchall()
    return {(name, row[place]): row[-1] for place, name in enumerate(named) for row in rows}


# Writing


def _insert(drafts: list[_Draft], *, received_at: str) -> None:
    """Write the events. Those whose key another writer has used in the meantime are duplicates."""
    if not drafts:
        return
    if connection.vendor == "postgresql" and len(drafts) >= WORTH_COPYING and _copied(drafts, received_at):
        return
    keys: set[str | None] = {draft.event.key for draft in drafts if draft.event.key}
    columns = ", ".join(EVENT_COLUMNS)
    selected = columns.replace("properties", as_json("properties"))
    rows = [dict(zip(EVENT_COLUMNS, _row(draft, received_at), strict=True)) for draft in drafts]
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO contacts_event ({columns}) SELECT {selected} FROM {rows_of(EVENT_COLUMNS)} AS new WHERE true"
            f" ON CONFLICT (key) DO NOTHING {'RETURNING key' if keys else ''}",
            [rows_parameter(rows)],
        )
        if keys:
            _set_duplicates_aside(drafts, keys - {key for (key,) in cursor.fetchall()})


def _copied(drafts: list[_Draft], received_at: str) -> bool:
    """Write the events the quickest way, all or none: False if another writer has used a key in the meantime."""
    try:
        with transaction.atomic():
            copy_rows("contacts_event", EVENT_COLUMNS, (_row(draft, received_at) for draft in drafts))
    except IntegrityError:
        return False
    return True


def _row(draft: _Draft, received_at: str) -> tuple[str | None, ...]:
    """The values of `EVENT_COLUMNS`."""
    event = draft.event
    value = None if draft.value is None else str(draft.value)
    return str(draft.contact_id), event.type, draft.occurred_at, received_at, value, draft.properties, event.key or None
