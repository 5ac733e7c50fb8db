"""What people should know before they trust a condition on activities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from contacts.event_types import event_type
from segments.context import Context
from segments.seen import in_words
from segments.windows import WINDOWS


def cautions_about(event: str, window: Mapping[str, Any], context: Context) -> list[str]:
    """That there is no such event yet, or that the window reaches further back than the oldest."""
    assert context.now
    name = {"event": _("“%(event)s”") % {"event": event_type(event).label}}
    oldest = context.oldest_event(event)
    if oldest is None:
        return [_("%(event)s has not happened to anybody yet.") % name]
    first, _last = WINDOWS[window["kind"]].span(window)
    if first is None or oldest <= first.compute(context.now):
        return []
    words = {"when": WINDOWS[window["kind"]].describe(window), "oldest": in_words(oldest)}
    text = _("%(event)s is known since %(oldest)s only, and the condition asks further back: %(when)s.")
    return [text % (name | words)]
