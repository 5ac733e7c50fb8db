"""What tests of triggers let happen to contacts, and what a trigger says of it."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from contacts.events import NewEvent, record
from contacts.models import Contact
from workflows.nodes import NODES
from workflows.nodes.base import Happening, NodeContext, Trigger

WORKFLOW = 7
MOMENT = datetime.fromisoformat("2026-03-02T12:00:00+00:00")


def happens(contact: Contact, kind: str, at: datetime, value: Any = None, **properties: Any) -> None:
    """Record an event of the contact."""
    amount = None if value is None else Decimal(str(value))
    event = NewEvent(kind, at, contact_id=contact.pk, value=amount, properties=properties)
    assert record([event], now=at)[0].outcome == "recorded"


def lets_pass(kind: str, settings: dict[str, Any], properties: dict[str, Any], value: Any = None) -> bool:
    """Whether a trigger with these settings lets an event with these properties pass."""
    trigger = NODES[kind]
    assert isinstance(trigger, Trigger)
    assert trigger.faults(settings, NodeContext()) == []
    (key,) = trigger.keys(settings)
    amount = None if value is None else Decimal(str(value))
    happening = Happening("arrival:1", 1, key, MOMENT, 1, key.partition(":")[2], amount, properties)
    return trigger.matches(settings, happening, workflow_id=WORKFLOW)


def described(kind: str, settings: dict[str, Any]) -> str:
    return NODES[kind].describe(settings, NodeContext())


def faults_of(kind: str, settings: dict[str, Any]) -> list[tuple[str, str]]:
    return NODES[kind].faults(settings, NodeContext())


def stored(kind: str, posted: dict[str, Any]) -> dict[str, Any]:
    """The settings that the panel stores for what was posted."""
    form = NODES[kind].form(posted, settings={}, context=NodeContext())
    assert form.is_valid(), form.errors
    return form.stored()
