"""What a page of the shop's site sends: read, checked, and put into events."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from contacts.event_types import EVENT_TYPES, is_event_type
from contacts.events import NewEvent
from workflows.site.contents import SIGNALS, Signal

LARGEST = 65_536  # bytes; what a browser sends while a page is left
MOST_EVENTS = 50
OLDEST = timedelta(days=1)  # how long ago what a page sends can have happened
LARGEST_ID = 2**63 - 1
LONGEST_URL = 2_000
SITE_TYPES = frozenset({"page_visit", "product_search", "product_visit", "cart_add", "cart_remove", "purchase"})
VISITOR = re.compile(r"[A-Za-z0-9_-]{16,64}")
EVENT_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Faulty(ValueError):
    """Something that the script does not send; the text says what is wrong, for who writes a script of their own."""


@dataclass(frozen=True)
class Batch:
    """What one request says: whose device it is, what happened, what became of contents, and who it is.

    ``refused`` are the places of events that cannot be taken, with reasons.
    """

    visitor: str
    token: str = ""
    events: list[NewEvent] = field(default_factory=list)
    signals: list[Signal] = field(default_factory=list)
    refused: dict[int, str] = field(default_factory=dict)


def read(body: bytes, *, now: datetime) -> Batch:
    """The batch in the body of a request. Raises `Faulty` for one that is none at all."""
    try:
        sent = json.loads(body, parse_float=Decimal, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise Faulty("the body is not JSON") from None
    if not isinstance(sent, dict):
        raise Faulty("the body is not an object")
    visitor, token, events = sent.get("visitor"), sent.get("token") or "", sent.get("events") or []
    if not isinstance(visitor, str) or not VISITOR.fullmatch(visitor):
        raise Faulty("visitor: 16 to 64 of A-Z, a-z, 0-9, _ and -")
    if not isinstance(token, str):
        raise Faulty("token: a text")
    if not isinstance(events, list) or len(events) > MOST_EVENTS:
        raise Faulty(f"events: a list of at most {MOST_EVENTS}")
    batch = Batch(visitor, token)
    for place, event in enumerate(events):
        try:
            _add(batch, event, now=now)
        except Faulty as faulty:
            batch.refused[place] = str(faulty)
    return batch


def _no_number(name: str) -> None:
    raise ValueError(name)


def _add(batch: Batch, event: Any, *, now: datetime) -> None:
    if not isinstance(event, dict):
        raise Faulty("not an object")
    kind, at, key = str(event.get("type")), now - _age(event), _key(batch.visitor, event)
    if kind in SIGNALS:
        batch.signals.append(Signal(kind, _content(event), at, key, _url(event)))
    elif kind in SITE_TYPES or (is_event_type(kind) and kind not in EVENT_TYPES):
        batch.events.append(
            NewEvent(kind, at, visitor_key=batch.visitor, value=_value(event), properties=_properties(event), key=key)
        )
    else:
        raise Faulty("type: not one that a site sends")


def _age(event: Mapping[str, Any]) -> timedelta:
    """How long ago it happened by the browser's own clock, which may be wrong: only differences are believed."""
    age = event.get("age", 0)
    if isinstance(age, bool) or not isinstance(age, int | Decimal) or age < 0:
        raise Faulty("age: milliseconds, 0 or more")
    return min(timedelta(milliseconds=float(min(age, 10**10))), OLDEST)


def _key(visitor: str, event: Mapping[str, Any]) -> str:
    event_id = event.get("id")
    if not isinstance(event_id, str) or not EVENT_ID.fullmatch(event_id):
        raise Faulty("id: 1 to 64 of A-Z, a-z, 0-9, _ and -")
    return f"site:{visitor}:{event_id}"


def _content(event: Mapping[str, Any]) -> int:
    content = event.get("content")
    if isinstance(content, bool) or not isinstance(content, int) or not 0 < content <= LARGEST_ID:
        raise Faulty("content: the id of a content")
    return content


def _url(event: Mapping[str, Any]) -> str:
    url = event.get("url") or ""
    if not isinstance(url, str):
        raise Faulty("url: a text")
    return url[:LONGEST_URL]


def _value(event: Mapping[str, Any]) -> Decimal | None:
    value = event.get("value")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        raise Faulty("value: a number")
    try:
        return Decimal(value)
    except InvalidOperation:
        raise Faulty("value: a number") from None


def _properties(event: Mapping[str, Any]) -> dict[str, Any]:
    properties = event.get("properties") or {}
    if not isinstance(properties, dict):
        raise Faulty("properties: an object")
    return {name: _plain(value) for name, value in properties.items()}


def _plain(value: Any) -> Any:
    """Numbers with a fraction as JSON writes them; they were read exactly for the sake of amounts."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value
