"""Whatever happens to contacts and workers, an audience that is kept in step has exactly who should be in it."""

from datetime import datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.db import transaction
from hypothesis import example, given, settings
from hypothesis import strategies as st

from contacts import changes
from contacts.deletion import anonymise, delete_contacts
from contacts.models import Contact
from crm import jobs
from crm.models import Job
from segments.facebook import connection, in_step, sending
from segments.facebook.hashing import hashed
from segments.facebook.people import sendable_of
from segments.membership import add, remove
from segments.models import Cause, FacebookMember, Segment
from tests.segments.facebook_server import ACCOUNT, TOKEN, Facebook
from tests.segments.pages import static

pytestmark = pytest.mark.django_db

AUDIENCE = "555"
ADDRESSES = [f"{letter}@example.com" for letter in "abcde"]
PHONES = ["", "+34611", "+34622"]
WHAT = "enter leave subscribe unsubscribe complain address phone city delete anonymise step step die"
HAPPENINGS = st.lists(st.tuples(st.sampled_from(WHAT.split()), st.integers(0, 3)), min_size=4, max_size=16)


class World:
    """Four contacts, a segment, and an audience that is kept in step with it; each happening is a minute later."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        with changes.recorded(now=now):
            self.contacts = Contact.objects.bulk_create(
                Contact(email=address, newsletter="subscribed", updated_at=now) for address in ADDRESSES[:4]
            )
        self.segment: Segment = static("S", *self.contacts[:3], now=now)
        audience = sending.use_audience(
            self.segment, account_id=ACCOUNT, audience_id=AUDIENCE, name="Customers", now=now
        )
        in_step.switch(audience, on=True)

    def happens(self, what: str, number: int) -> None:
        self.now += timedelta(minutes=1)
        contacts = Contact.objects.filter(pk=self.contacts[number].pk)
        getattr(self, f"_{what}")(contacts)

    def _enter(self, contacts: Any) -> None:
        add(self.segment, contacts, now=self.now, cause=Cause.HAND)

    def _leave(self, contacts: Any) -> None:
        remove(self.segment, contacts, now=self.now, cause=Cause.HAND)

    def _subscribe(self, contacts: Any) -> None:
        self._set(contacts, newsletter="subscribed", email_status="ok")

    def _unsubscribe(self, contacts: Any) -> None:
        self._set(contacts, newsletter="unsubscribed")

    def _complain(self, contacts: Any) -> None:
        self._set(contacts, email_status="complained")

    def _address(self, contacts: Any) -> None:
        taken = set(Contact.objects.values_list("email", flat=True))
        self._set(contacts, email=next(address for address in ADDRESSES if address not in taken))

    def _phone(self, contacts: Any) -> None:
        for contact in contacts:
            self._set(contacts, phone=PHONES[(PHONES.index(contact.phone) + 1) % len(PHONES)])

    def _city(self, contacts: Any) -> None:
        self._set(contacts, city=f"Rome {self.now}")

    def _delete(self, contacts: Any) -> None:
        delete_contacts(contacts, now=self.now)

    def _anonymise(self, contacts: Any) -> None:
        for contact in contacts:
            anonymise(contact, now=self.now)

    def _step(self, contacts: Any) -> None:
        in_step.keep_in_step(now=self.now)
        for job in list(Job.objects.in_progress()):
            jobs.run_job(job.pk)

    def _die(self, contacts: Any) -> None:
        """The worker dies after Facebook was told something and before that is written down."""
        with patch.object(sending._Run, "_count", side_effect=KeyboardInterrupt):
            try:
                self._step(contacts)
            except KeyboardInterrupt:
                Job.objects.in_progress().update(state="queued", claim=None)

    def _set(self, contacts: Any, **values: Any) -> None:
        with changes.recorded(now=self.now):
            contacts.update(**values, updated_at=self.now)


@given(HAPPENINGS)
@example([("step", 0), ("leave", 0), ("die", 0), ("enter", 0)])
@settings(max_examples=15)
def test_an_audience_in_step_has_exactly_who_should_be_in_it(
    facebook: Facebook, now: datetime, happenings: list[tuple[str, int]]
):
    facebook.audiences[AUDIENCE] = "Customers"
    facebook.people.clear()
    with transaction.atomic():
        connection.connect(account_id=ACCOUNT, access_token=TOKEN, now=now, user=None)
        world = World(now)
        for what, number in [*happenings, ("step", 0), ("step", 0)]:
            world.happens(what, number)
        expected = {hashed(contact.email) if contact.email else "" for contact in sendable_of(world.segment)}
        assert facebook.emails(AUDIENCE) == expected
        assert set(FacebookMember.objects.values_list("email", flat=True)) == expected
        assert in_step.keep_in_step(now=now) == 0
        transaction.set_rollback(True)
