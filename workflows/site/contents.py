"""Web contents: frozen when a workflow uses them, queued for contacts as a set, shown, and what becomes of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import nh3
from django.db import connection
from django.utils.translation import gettext as _

from contacts.events import NewEvent, record
from contacts.json_rows import moment_writer, rows_of, rows_parameter
from workflows.site.models import WebContent, WebDesign

LONGEST_LIFE = 30  # days
MOST_AT_ONCE = 10
SETTINGS = ("kind", "slot", "title", "html", "button_text", "button_url")
SIGNALS = {"content_shown": "shown_at", "content_clicked": "clicked_at", "content_closed": "closed_at"}
COLUMNS = {"key": "text", "contact_id": "bigint"}

TAGS = frozenset(
    {"a", "abbr", "b", "blockquote", "br", "code", "dd", "del", "div", "dl", "dt", "em", "figcaption", "figure"}
    | {"h3", "h4", "h5", "h6", "hr", "i", "img", "ins", "li", "mark", "ol", "p", "pre", "s", "small", "span"}
    | {"strong", "sub", "sup", "table", "tbody", "td", "th", "thead", "tr", "u", "ul"}
)
ATTRIBUTES = {
    "*": {"title", "lang", "dir"},
    "a": {"href", "target"},
    "img": {"src", "alt", "width", "height", "loading"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
}
SCHEMES = {"http", "https", "mailto", "tel"}


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody who shall see a content: ``key`` is what makes it one, however often it is queued."""

    key: str
    contact_id: int


@dataclass(frozen=True, slots=True)
class Signal:
    """What a visitor's page says of a content: a key of `SIGNALS`, when, and for a click where it led to."""

    type: str
    content_id: int
    at: datetime
    key: str
    url: str = ""


def design_of(settings: Mapping[str, Any], *, name: str, source: str, now: datetime) -> int:
    """The id of the design with these settings, which are those of `forms.WebContentForm`; made if there is none."""
    said = tuple((key, str(settings.get(key) or "")) for key in SETTINGS)
    digest, frozen = _frozen(said, name[:200], source[:100])
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM workflows_webdesign WHERE digest = %s", [digest])
        if row := cursor.fetchone():
            return int(row[0])
    design, _made = WebDesign.objects.get_or_create(digest=digest, defaults={**frozen, "created_at": now})
    return design.pk


@lru_cache(maxsize=1_000)
def _frozen(said: tuple[tuple[str, str], ...], name: str, source: str) -> tuple[str, Mapping[str, str]]:
    """What a design with these settings holds, behind its digest."""
    values = dict(said) | {"name": name, "source": source}
    values["kind"] = values["kind"] or WebDesign.Kind.POPUP.value
    values["html"] = sanitised(values["html"])
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest(), values


def sanitised(html: str) -> str:
    """HTML that may stand on somebody else's page."""
    return nh3.clean(html, tags=set(TAGS), attributes=ATTRIBUTES, url_schemes=SCHEMES, link_rel="noopener noreferrer")


def queue(design_id: int, recipients: Sequence[Recipient], *, now: datetime, days: int = LONGEST_LIFE) -> None:
    """Let contacts see a content on the next page that they visit, within so many days.

    In the transaction of the caller and in one statement. A key that is known is left as it is.
    """
    if not recipients:
        return
    write = moment_writer()
    moment = "%s::timestamptz" if connection.vendor == "postgresql" else "%s"
    rows = rows_parameter({"key": one.key, "contact_id": one.contact_id} for one in recipients)
    with connection.cursor() as cursor:
        # WHERE true: without it SQLite would read ON CONFLICT as the condition of a join.
        cursor.execute(
            "INSERT INTO workflows_webcontent (design_id, contact_id, key, created_at, expires_at)"
            f" SELECT %s, new.contact_id, new.key, {moment}, {moment} FROM {rows_of(COLUMNS)} AS new WHERE true"
            " ON CONFLICT (key) DO NOTHING",
            [design_id, write(now), write(now + timedelta(days=days)), rows],
        )


# Asked at every visit of a page: a queryset would take longer to compile than this takes.
WAITING = """
    SELECT c.id, d.name, d.kind, d.slot, d.title, d.html, d.button_text, d.button_url
    FROM workflows_webcontent c JOIN workflows_webdesign d ON d.id = c.design_id
    WHERE c.contact_id = %s AND c.closed_at IS NULL AND c.clicked_at IS NULL AND c.expires_at > {now}
        AND (c.shown_at IS NULL OR d.kind <> 'popup')
    ORDER BY c.id LIMIT %s
"""
NAMES = ("id", "name", "kind", "slot", "title", "html")


def waiting_for(contact_id: int, *, now: datetime) -> list[dict[str, Any]]:
    """What the contact's next page shows, as the script takes it, the oldest first."""
    moment = "%s::timestamptz" if connection.vendor == "postgresql" else "%s"
    with connection.cursor() as cursor:
        cursor.execute(WAITING.format(now=moment), [contact_id, moment_writer()(now), MOST_AT_ONCE])
        return [_as_shown(*row) for row in cursor.fetchall()]


def _as_shown(*row: Any) -> dict[str, Any]:
    *said, button_text, button_url = row
    button = {"text": button_text, "url": button_url} if button_text else None
    return {**dict(zip(NAMES, said, strict=True)), "button": button, "close": _("Close")}


def note(contact_id: int, signals: Iterable[Signal], *, now: datetime) -> None:
    """Keep what a contact's page says of contents. What is not theirs is passed over."""
    signals = list(signals)
    named = {signal.content_id for signal in signals}
    theirs = WebContent.objects.filter(contact_id=contact_id, pk__in=named).select_related("design")
    contents = {content.pk: content for content in theirs}
    signals = [signal for signal in signals if signal.content_id in contents]
    if not signals:
        return
    for kind, column in SIGNALS.items():
        _mark({signal.content_id for signal in signals if signal.type == kind}, column, now=now)
    record([_event(contact_id, contents[signal.content_id], signal) for signal in signals], now=now)


def _mark(ids: Collection[int], column: str, *, now: datetime) -> None:
    """The first time counts."""
    if ids:
        WebContent.objects.filter(pk__in=ids, **{f"{column}__isnull": True}).update(**{column: now})


def _event(contact_id: int, content: WebContent, signal: Signal) -> NewEvent:
    properties: dict[str, Any] = {
        "content": content.design.name,
        "source": content.design.source,
        "web_content": content.pk,
    }
    if signal.url:
        properties["url"] = signal.url
    return NewEvent(signal.type, signal.at, contact_id=contact_id, properties=properties, key=signal.key)
