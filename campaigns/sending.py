"""Sending what is queued, each message once whatever happens in between."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from campaigns import claiming, happenings
from campaigns.mail import Mail, mail_of
from campaigns.models import Content, Message
from campaigns.rendering import Renderer, Wrong
from campaigns.smtp import Answer, Handed, Postbox, Unreachable
from contacts.carts import Cart, carts_of
from contacts.fields import Catalogue, catalogue
from contacts.models import Contact, Event

logger = logging.getLogger(__name__)

AT_ONCE = 200
MOST_RENDERERS = 50

Clock = Callable[[], datetime]
State, Reason = Message.State, Message.Reason


def send_due(*, now: datetime, clock: Clock, limit: int, postbox: Postbox | None = None) -> int:
    """Send up to ``limit`` of the messages that are due, over one connection; how many were handed over.

    They go to ``postbox``, or to that of the settings.

    ``clock`` tells the moment between them. A message whose worker died while it was handed over is `in_doubt`
    and stays until somebody decides: see `send_again` and `leave`. Any number of workers may send at the same time.
    """
    claiming.doubt_lost(now=now)
    run = _Run(clock=clock, fields=catalogue())
    try:
        with postbox or Postbox() as opened:
            while run.taken < limit and (batch := run.claim(min(AT_ONCE, limit - run.taken))):
                run.send(batch, opened)
    except Unreachable as error:
        logger.warning("The mail server takes no emails: %s", error)
    happenings.record_sent(now=clock())
    return run.sent


def send_again(message: Message, *, now: datetime) -> bool:
    """Queue a message that is in doubt or failed once more, because somebody decided so. False if it is neither."""
    again = Message.objects.filter(pk=message.pk, state__in=[State.IN_DOUBT, State.FAILED])
    return bool(
        again.update(state=State.QUEUED, reason="", detail="", attempts=0, claim=None, claimed_at=None, due_at=now)
    )


def leave(message: Message) -> bool:
    """Let a message that is in doubt be, because somebody decided so. False if it is not."""
    doubtful = Message.objects.in_doubt().filter(pk=message.pk)
    return bool(doubtful.update(state=State.FAILED, reason=Reason.LEFT))


@dataclass
class _Run:
    """One round of sending by one worker."""

    clock: Clock
    fields: Catalogue
    claimant: uuid.UUID = field(default_factory=uuid.uuid4)
    taken: int = 0
    sent: int = 0
    renderers: dict[int, Renderer] = field(default_factory=dict)

    def claim(self, most: int) -> list[Message]:
        batch = claiming.claim(most, claimant=self.claimant, now=self.clock())
        self.taken += len(batch)
        return batch

    def send(self, batch: list[Message], postbox: Postbox) -> None:
        """Send a batch. Raises `Unreachable`, with what was not sent given back."""
        ready = self._ready(batch)
        before: Message | None = None  # handed over, and not written down yet
        waiting = {message.pk: message for message in batch}
        try:
            for message, mail in ready:
                if not claiming.step(before, message, claimant=self.claimant, now=self.clock()):
                    waiting.pop(message.pk)
                    before = None
                    continue
                before = None
                handed = self._hand_over(message, mail, postbox)
                waiting.pop(message.pk)
                if handed.answer == Answer.TAKEN:
                    self.sent += 1
                    before = message
                else:
                    self._write_down(message, handed)
        finally:
            claiming.step(before, None, claimant=self.claimant, now=self.clock())
            claiming.release(list(waiting.values()), claimant=self.claimant)

    def _hand_over(self, message: Message, mail: Mail, postbox: Postbox) -> Handed:
        try:
            return postbox.hand_over(mail)
        except Unreachable:
            claiming.take_back(message, claimant=self.claimant)
            raise

    def _ready(self, batch: list[Message]) -> Iterator[tuple[Message, Mail]]:
        """The emails of those that may still be sent and can be filled; the others are written down."""
        self._read_contents(batch)
        contacts = self._contacts(batch)
        events = Event.objects.in_bulk({message.event_id for message in batch if message.event_id})
        carts = self._carts(batch)
        for message in batch:
            contact = contacts.get(message.contact_id)
            reason = why_not(message, contact)
            if contact is None or reason:
                claiming.end(message, State.SKIPPED, reason, claimant=self.claimant)
                continue
            if contact.email != message.to:
                message.to = str(contact.email)
                Message.objects.filter(pk=message.pk).update(to=message.to)
            now = self.clock()
            try:
                rendered = self.renderers[message.content_id].render(
                    message, contact, events.get(message.event_id or 0), now=now, cart=carts.get(contact.pk)
                )
            except Wrong as wrong:
                claiming.end(message, State.FAILED, Reason.NOT_RENDERED, str(wrong), claimant=self.claimant)
                continue
            yield message, mail_of(message, rendered, now=now)

    def _read_contents(self, batch: list[Message]) -> None:
        """Give the messages their contents, each of which is read and made ready once."""
        if len(self.renderers) > MOST_RENDERERS:
            self.renderers.clear()
        unread = {message.content_id for message in batch} - self.renderers.keys()
        for content in Content.objects.filter(pk__in=unread):
            self.renderers[content.pk] = Renderer(content, self.fields)
        for message in batch:
            message.content = self.renderers[message.content_id].content

    def _contacts(self, batch: list[Message]) -> dict[int, Contact]:
        """The contacts of the messages, with the columns that are read of them."""
        columns = {"email", "email_status", "newsletter"}
        for content_id in {message.content_id for message in batch}:
            columns |= self.renderers[content_id].contact_columns
        return Contact.objects.only(*columns).in_bulk({message.contact_id for message in batch})

    def _carts(self, batch: list[Message]) -> dict[int, Cart]:
        """The carts of those whose emails show them."""
        wanted = {message.contact_id for message in batch if self.renderers[message.content_id].reads_cart}
        now = self.clock()
        return carts_of(wanted, now=now, until=now) if wanted else {}

    def _write_down(self, message: Message, handed: Handed) -> None:
        """Write down what became of a message that was not taken."""
        now = self.clock()
        if handed.answer == Answer.UNKNOWN:
            claiming.end(message, State.IN_DOUBT, "", handed.detail, claimant=self.claimant)
        elif handed.answer == Answer.LATER:
            claiming.put_off(message, handed.detail, claimant=self.claimant, now=now)
        else:
            claiming.end(message, State.FAILED, Reason.REFUSED, handed.detail, claimant=self.claimant)
            if handed.answer == Answer.NO_ADDRESS:
                happenings.bounced(message, handed.detail, hard=True, now=now)


def why_not(message: Message, contact: Contact | None) -> str:
    """Why a message that was queued must not be sent any more; "" if it may.

    The contact may have unsubscribed, or an earlier email to the address may have come back, since.
    """
    if contact is None or not contact.email:
        return Reason.NO_EMAIL
    if contact.email_status == Contact.EmailStatus.BOUNCED:
        return Reason.BOUNCED
    if contact.email_status == Contact.EmailStatus.COMPLAINED:
        return Reason.COMPLAINED
    subscribes = contact.newsletter == Contact.Newsletter.SUBSCRIBED
    if message.content.kind == Content.Kind.NEWSLETTER and not message.is_test and not subscribes:
        return Reason.UNSUBSCRIBED
    return ""
