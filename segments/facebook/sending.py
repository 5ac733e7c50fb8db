"""Bringing an audience in line with its segment: who changed, who has to go, who has to come, batch by batch.

Everything that Facebook is going to be told is written down before, and ticked off after it has confirmed. A worker may
die in between: whoever goes on tells Facebook the same once more, which changes nothing there. Each run is a session
of its own, because Facebook closes those that are not finished in time.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import TypeVar

from django.db import transaction
from django.db.models import F, Model, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from contacts.models import Contact
from crm import jobs
from crm.models import Job, User
from segments.facebook import people
from segments.facebook.client import Answer, FacebookFailure, Session, TemporaryFailure
from segments.facebook.connection import client
from segments.facebook.hashing import EMAIL, EXTERN_ID, PHONE, REMOVED_BY, SENT, fingerprint, row
from segments.models import FacebookAudience, FacebookExport, FacebookMember, Segment

JOB = "segments.facebook"
BATCH = 10_000  # the most that Facebook takes in a request
TIMEOUT = 120.0  # seconds for which a request is waited for
PAUSES = (5, 15, 45, 120, 300)  # seconds before each new attempt after a failure that may pass
NAP = 2.0  # seconds of a pause after which it is looked whether the job was cancelled

SCHEMA = tuple(key.name for key in SENT)
REMOVAL_SCHEMA = tuple(key.name for key in REMOVED_BY)

Row = TypeVar("Row", bound=Model)


class UnderWay(ValueError):
    """Something is being sent to this audience already."""


def use_audience(segment: Segment, *, account_id: str, audience_id: str, name: str, now: datetime) -> FacebookAudience:
    """Let a segment fill an audience. Raises `UnderWay` if another segment fills it."""
    audience, _created = FacebookAudience.objects.get_or_create(
        audience_id=audience_id,
        defaults={"segment": segment, "account_id": account_id, "name": name[:255], "created_at": now},
    )
    if audience.segment_id != segment.pk:
        raise UnderWay(_("Another segment fills this audience."))
    return audience


def start(audience: FacebookAudience, *, kind: FacebookExport.Kind, now: datetime, user: User | None = None) -> Job:
    """Bring the audience in line with its segment, in the worker. Raises `UnderWay`.

    What the schedule starts (`STEP`) keeps to what the audience is set to: if it is not kept in step, it only removes
    who may no longer be there.
    """
    with transaction.atomic():
        current = FacebookAudience.objects.select_related("segment").select_for_update(of=("self",)).get(pk=audience.pk)
        require_idle(current)
        export = FacebookExport.objects.create(
            kind=kind,
            segment=current.segment,
            segment_name=current.segment.name if current.segment else "",
            audience=current,
            audience_name=current.name,
            user=user,
            started_at=now,
        )
        job = jobs.start(
            JOB,
            title=_("Facebook: %(audience)s") % {"audience": current.name},
            subject=current.subject,
            params={"export": export.pk, "segment": current.segment_id},
            user=user,
            now=now,
        )
        FacebookExport.objects.filter(pk=export.pk).update(job=job)
        return job


def require_idle(audience: FacebookAudience) -> None:
    """Raise `UnderWay` if a job sends to the audience."""
    if Job.objects.in_progress().filter(subject=audience.subject).exists():
        raise UnderWay(_("Something is being sent to this audience already."))


def url_of(job: Job) -> str:
    """Where people see what the job is about."""
    segment_id = job.params["segment"]
    return reverse("segments:facebook", args=[segment_id]) if segment_id else reverse("facebook")


def send_job(job: Job, *, now: datetime) -> None:
    """What a job does that sends. A failure is told in words, on the job and in the record of what was sent."""
    export = FacebookExport.objects.select_related("audience__segment").get(pk=job.params["export"])
    FacebookExport.objects.filter(pk=export.pk).update(finished_at=None, error="")
    try:
        _Run(job, export).bring_in_line(now=now)
    except FacebookFailure as failure:
        export.finish(now=timezone.now(), error=str(failure))
        raise
    except jobs.Cancelled:
        export.finish(now=timezone.now(), error=_("Cancelled."))
        raise
    export.finish(now=timezone.now())


class _Run:
    """One job's work on one audience."""

    def __init__(self, job: Job, export: FacebookExport) -> None:
        if export.audience is None:
            raise FacebookFailure(_("Muster does not fill this audience any more."))
        others = Job.objects.filter(subject=job.subject, state=Job.State.RUNNING).exclude(pk=job.pk)
        if others.exists():  # one that was tried again meanwhile
            raise FacebookFailure(_("Something is being sent to this audience already."))
        self.job = job
        self.export = export
        self.audience = export.audience
        self.is_whole = export.kind == FacebookExport.Kind.SEND or self.audience.in_step
        self.client = client(account_id=self.audience.account_id, timeout=TIMEOUT)
        self.done = 0
        self.total = 0

    def bring_in_line(self, *, now: datetime) -> None:
        if self.is_whole:
            self._take_down_changes()
        leaving = people.gone(self.audience, only_without_consent=not self.is_whole)
        coming = people.missing(self.audience)
        numbers = leaving.count(), coming.count() if self.is_whole else 0
        self.total = sum(numbers)
        self._tell()
        self._remove(leaving, number=numbers[0])
        if self.is_whole:
            self._add(coming, number=numbers[1], now=now)
        FacebookAudience.objects.filter(pk=self.audience.pk).update(compared_at=now)
        self._tell(self._summary())

    def _take_down_changes(self) -> None:
        """Let those be sent anew of whom something else is sent now, and keep the keys that were theirs to remove."""
        for members, _is_last in _batches(people.changed(self.audience)):
            former = [one for member in members if (one := _brought_up_to_date(member))]
            with transaction.atomic():
                FacebookMember.objects.bulk_create(former, batch_size=1_000)
                FacebookMember.objects.bulk_update(
                    members,
                    ["email", "phone", "external_id", "fingerprint", "contact_updated_at", "sent_at"],
                    batch_size=500,
                )
            self._tell()

    def _remove(self, leaving: QuerySet[FacebookMember], *, number: int) -> None:
        for session, members in _sessions(leaving, number):
            rows = [keys for member in members if any(keys := _removal_keys(member))]
            here = FacebookMember.objects.filter(pk__in=[member.pk for member in members])
            here.update(sent_at=None)  # who comes back before the removal is ticked off is sent again
            if rows:
                self._ask(partial(self.client.remove, self.audience.audience_id, REMOVAL_SCHEMA, rows, session))
            with transaction.atomic():
                here.delete()
                self._count(removed=sum(bool(member.fingerprint) for member in members))
            self._go_on(len(members))

    def _add(self, coming: QuerySet[Contact], *, number: int, now: datetime) -> None:
        for session, contacts in _sessions(coming, number):
            rows = [row(contact) for contact in contacts]
            self._remember(contacts, rows)
            answer = self._ask(partial(self.client.add, self.audience.audience_id, SCHEMA, rows, session))
            with transaction.atomic():
                ids = [contact.pk for contact in contacts]
                FacebookMember.objects.filter(audience=self.audience, contact__in=ids).update(sent_at=now)
                self._count(received=answer.received, invalid=answer.invalid)
            self._go_on(len(contacts))

    def _remember(self, contacts: Sequence[Contact], rows: Sequence[list[str]]) -> None:
        FacebookMember.objects.bulk_create(
            (_member(self.audience, contact, sent) for contact, sent in zip(contacts, rows, strict=True)),
            update_conflicts=True,
            unique_fields=["audience", "contact"],
            update_fields=["email", "phone", "external_id", "fingerprint", "contact_updated_at"],
            batch_size=1_000,
        )

    def _ask(self, question: Callable[[], Answer]) -> Answer:
        """Ask Facebook, and after a pause again when it fails in a way that may pass."""
        for pause in PAUSES:
            try:
                return question()
            except TemporaryFailure as failure:
                self._wait(pause, failure)
        return question()

    def _wait(self, seconds: float, failure: TemporaryFailure) -> None:
        jobs.log(self.job, str(failure))
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._tell(_("%(failure)s Trying again soon.") % {"failure": failure})
            time.sleep(min(left, NAP))

    def _count(self, **numbers: int) -> None:
        """Add to the record of what was sent, in the transaction that ticks it off."""
        added = {name: F(name) + number for name, number in numbers.items()}
        FacebookExport.objects.filter(pk=self.export.pk).update(**added)

    def _go_on(self, number: int) -> None:
        self.done += number
        self._tell()

    def _tell(self, message: str = "") -> None:
        jobs.progress(self.job, self.done, max(self.total, self.done), message)

    def _summary(self) -> str:
        self.export.refresh_from_db()
        taken = ngettext("%(number)s contact taken", "%(number)s contacts taken", self.export.taken)
        parts = [taken % {"number": self.export.taken}]
        if self.export.invalid:
            parts.append(_("%(number)s invalid") % {"number": self.export.invalid})
        if self.export.removed:
            parts.append(_("%(number)s removed") % {"number": self.export.removed})
        return ", ".join(parts)


def _batches(rows: QuerySet[Row]) -> Iterator[tuple[list[Row], bool]]:
    """Rows in the order of their ids, at most `BATCH` at once, each time with whether these are the last."""
    after = 0
    while found := list(rows.filter(pk__gt=after)[: BATCH + 1]):
        batch = found[:BATCH]
        is_last = len(found) <= BATCH
        yield batch, is_last
        if is_last:
            return
        after = batch[-1].pk


def _sessions(rows: QuerySet[Row], number: int) -> Iterator[tuple[Session, list[Row]]]:
    """Batches with the session that they are sent in."""
    name = secrets.randbits(62) + 1
    for place, (batch, is_last) in enumerate(_batches(rows), start=1):
        yield Session(name, place, is_last, max(number, len(batch))), batch


def _member(audience: FacebookAudience, contact: Contact, sent: list[str]) -> FacebookMember:
    values = dict(zip(SENT, sent, strict=True))
    return FacebookMember(
        audience=audience,
        contact=contact,
        email=values[EMAIL],
        phone=values[PHONE],
        external_id=values[EXTERN_ID],
        fingerprint=fingerprint(sent),
        contact_updated_at=contact.updated_at,
    )


def _brought_up_to_date(member: FacebookMember) -> FacebookMember | None:
    """Set what is sent for a member now. Returns what they were known by and no longer are, for removal."""
    assert member.contact
    new = _member(member.audience, member.contact, row(member.contact))
    member.contact_updated_at = new.contact_updated_at
    if member.fingerprint == new.fingerprint:
        return None
    former = FacebookMember(
        audience=member.audience,
        email=member.email if member.email != new.email else "",
        phone=member.phone if member.phone != new.phone else "",
        external_id=member.external_id if member.external_id != new.external_id else "",
        contact_updated_at=new.contact_updated_at,
    )
    member.email, member.phone, member.external_id = new.email, new.phone, new.external_id
    member.fingerprint, member.sent_at = new.fingerprint, None
    return former if former.email or former.phone or former.external_id else None


def _removal_keys(member: FacebookMember) -> list[str]:
    """What Facebook removes a member by; without a phone number by which it would remove somebody who stays."""
    phone = "" if member.phone_is_shared else member.phone  # type: ignore[attr-defined]  # annotated
    values = {EXTERN_ID: member.external_id, EMAIL: member.email, PHONE: phone}
    return [values[key] for key in REMOVED_BY]
