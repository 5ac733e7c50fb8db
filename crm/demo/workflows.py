"""The workflows of the demo shop: some of the templates, at work for a month, whose emails go nowhere."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from random import Random
from typing import Any

from django.core.mail.backends.base import BaseEmailBackend

from campaigns import happenings
from campaigns.models import Message
from campaigns.sending import send_due
from campaigns.smtp import Postbox
from crm.models import User
from workflows import activation, engine
from workflows import gallery_templates as gallery_templates  # registers every template
from workflows.doubts import tell_of_doubts
from workflows.gallery import TEMPLATES, use

AT_WORK = ("welcome", "abandoned_cart", "birthday", "double_opt_in")
AS_DRAFT = "win_back"
BROKEN_OFF = (25, 160)  # the emails, counted, of which nobody can tell whether they were sent
OPENS, CLICKS, CONFIRMS = 0.5, 0.3, 0.65  # clicks are a share of what is opened
MOST = 10_000
BUTTON = re.compile(r'\]\((https?://[^ )]+) "button"\)')


class Nowhere(BaseEmailBackend):
    """Takes emails and keeps none. Now and then the connection breaks off, as it does."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.taken = 0

    def send_messages(self, messages: Sequence[Any]) -> int:
        self.taken += len(messages)
        if self.taken in BROKEN_OFF:
            raise ConnectionResetError("Connection reset by peer")
        return len(messages)


def begin_workflows(user: User, *, now: datetime) -> None:
    for key in AT_WORK:
        activation.activate(use(TEMPLATES[key], now=now, user=user), now=now, user=user)
    use(TEMPLATES[AS_DRAFT], now=now, user=user)


def go_on(backend: Nowhere, random: Random, *, since: datetime, now: datetime) -> None:
    """Let the workflows go on, what they send be delivered, and some read what came to them ``since``."""
    _read(list(Message.objects.filter(sent_at=since).select_related("content", "contact")), random, since, now)
    while engine.tick(now=now):
        pass
    send_due(now=now, clock=lambda: now, limit=MOST, postbox=Postbox(backend))
    tell_of_doubts(now=now)


def _read(messages: list[Message], random: Random, since: datetime, now: datetime) -> None:
    for message in messages:
        at = since + (now - since) * min(random.expovariate(4), 0.99)
        asks = "confirm_url" in message.content.body
        if asks and random.random() < CONFIRMS:
            happenings.confirmed(message, now=at)
        elif random.random() < OPENS:
            happenings.opened(message, now=at)
            link = BUTTON.search(message.content.body)
            if link and random.random() < CLICKS:
                happenings.clicked(message, link[1], now=at)
