"""Undoing an import: the contacts that it created are deleted, unless somebody has done something with them since."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts import changes
from contacts.deletion import delete_contacts
from contacts.imports.destinations import DESTINATIONS
from contacts.imports.models import ContactImport, Import
from contacts.imports.options import LIST
from contacts.imports.running import Clock, rows_in_words
from contacts.imports.states import following
from contacts.models import Contact, Event, ListMembership
from contacts.rolling_off import let_others_write
from crm import jobs
from crm.models import Job, User

JOB = "contacts.import_undo"
KEPT_OPEN = timedelta(days=7)
CHUNK = 1_000
OVER = (Import.State.DONE, Import.State.CANCELLED, Import.State.FAILED)

REASONS = {
    "edited": gettext_lazy("changed since"),
    "events": gettext_lazy("with events"),
    "imports": gettext_lazy("in another import too"),
    "lists": gettext_lazy("on a list that the import did not put them on, or unsubscribed"),
    "places": gettext_lazy("in a static segment that the import did not put them into"),
}
"""Why contacts that an import created are kept when it is undone, in words."""


class NotPossible(ValueError):
    """The import cannot be undone; the text says why."""


def why_not(import_run: Import, *, now: datetime) -> str:
    """Why the import cannot be undone, empty when it can."""
    if import_run.kind != Import.Kind.CONTACTS:
        return _("Events cannot be taken back.")
    if import_run.state not in OVER or import_run.started_at is None:
        return _("Only an import that is over can be undone.")
    if now > (import_run.finished_at or import_run.started_at) + KEPT_OPEN:
        return _("An import can be undone for 7 days.")
    if not import_run.created:
        return _("The import created no contacts.")
    return ""


def is_possible(import_run: Import, *, now: datetime) -> bool:
    """Whether the import can be undone."""
    return not why_not(import_run, now=now)


def start(import_run: Import, *, user: User | None, now: datetime) -> Job:
    """Let the worker undo an import. Raises `NotPossible`."""
    if reason := why_not(import_run, now=now):
        raise NotPossible(reason)
    with transaction.atomic():
        job = jobs.start(
            JOB,
            title=_("Undoing of %(name)s") % {"name": import_run.name},
            subject=f"import:{import_run.pk}",
            params={"import": import_run.pk},
            user=user,
            now=now,
        )
        ours = Import.objects.filter(pk=import_run.pk, state__in=OVER)
        if not ours.update(state=Import.State.UNDOING, job=job, error="", undo_result={"deleted": 0, "kept": {}}):
            raise NotPossible(_("This import is being undone already."))
    import_run.refresh_from_db()
    return job


def undo_job(job: Job, *, now: datetime, clock: Clock = timezone.now) -> None:
    """Delete what is left to be deleted, and keep in ``undo_result`` how many went and how many are kept, and why.

    ``kept`` counts the contacts by reason (`REASONS`), each for the first that holds; ``kept_in_all`` is their sum.
    """
    with following(job, Import.State.UNDOING) as import_run:
        if import_run is None:
            return
        total = created_by(import_run).count()
        done = 0
        for first, last in _chunks(import_run):
            now = clock()
            with changes.recorded(now=now):
                jobs.hold(job)
                untouched = _untouched(import_run).filter(pk__gte=first, pk__lte=last)
                _add_deleted(import_run, delete_contacts(untouched, now=now))
            done += CHUNK
            jobs.progress(job, min(done, total), total, rows_in_words(min(done, total)))
            let_others_write()
        changes.settle(now=clock())
        _finish(import_run, now=clock())


def created_by(import_run: Import) -> QuerySet[Contact]:
    """The contacts that an import created and that are still there."""
    ours = ContactImport.objects.filter(import_run=import_run, created=True)
    return Contact.objects.filter(pk__in=ours.values("contact_id"))


def _chunks(import_run: Import) -> Iterator[tuple[int, int]]:
    """First and last ids of the contacts that the import created, so many at a time."""
    ours = ContactImport.objects.filter(import_run=import_run, created=True).order_by("contact_id")
    last = 0
    while ids := list(ours.filter(contact_id__gt=last).values_list("contact_id", flat=True)[:CHUNK]):
        yield ids[0], ids[-1]
        last = ids[-1]


def _touches(import_run: Import) -> dict[str, Q]:
    """For each reason the condition that a contact is kept for it."""
    of_contact = ContactImport.objects.filter(contact_id=OuterRef("pk"))
    ours = of_contact.filter(import_run=import_run)
    lists = {*import_run.options.get("lists", []), *_lists_of_columns(import_run)}
    by_us = Q(list_id__in=lists, unsubscribed_at__isnull=True, subscribed_at__gte=import_run.started_at)
    if import_run.finished_at:
        by_us &= Q(subscribed_at__lte=import_run.finished_at)
    memberships = ListMembership.objects.filter(contact_id=OuterRef("pk"))
    contacts = Contact.objects.all()
    elsewhere = [place.put_elsewhere(contacts, import_run=import_run) for place in DESTINATIONS]
    in_places = Q()
    for found in elsewhere:
        in_places |= Q(Exists(found.filter(pk=OuterRef("pk"))))
    return {
        "edited": ~Q(Exists(ours.filter(written_at=OuterRef("updated_at")))),
        "events": Q(Exists(Event.objects.filter(contact_id=OuterRef("pk")))),
        "imports": Q(Exists(of_contact.exclude(import_run=import_run))),
        "lists": Q(Exists(memberships.exclude(by_us))),
        "places": in_places,
    }


def _untouched(import_run: Import) -> QuerySet[Contact]:
    untouched = created_by(import_run)
    for condition in _touches(import_run).values():
        if condition:
            untouched = untouched.exclude(condition)
    return untouched


def _lists_of_columns(import_run: Import) -> list[int]:
    targets = [entry["target"] for entry in import_run.mapping]
    return [int(target.removeprefix(LIST)) for target in targets if target.startswith(LIST)]


def _add_deleted(import_run: Import, number: int) -> None:
    current = Import.objects.select_for_update().get(pk=import_run.pk)
    result = current.undo_result or {"deleted": 0, "kept": {}}
    current.undo_result = result | {"deleted": result["deleted"] + number}
    current.save(update_fields=["undo_result"])


def kept(import_run: Import) -> dict[str, int]:
    """How many of the contacts that the import created are kept, by reason (`REASONS`), each for the first that holds.

    It looks at all of them, which takes a while for many.
    """
    rest = created_by(import_run)
    found = {}
    for reason, condition in _touches(import_run).items():
        if condition:
            found[reason] = rest.filter(condition).count()
            rest = rest.exclude(condition)
    return {reason: number for reason, number in found.items() if number}


def _finish(import_run: Import, *, now: datetime) -> None:
    """Say what is kept, and why."""
    found = kept(import_run)
    import_run.refresh_from_db(fields=["undo_result"])
    result = (import_run.undo_result or {}) | {"kept": found, "kept_in_all": sum(found.values())}
    Import.objects.filter(pk=import_run.pk).update(state=Import.State.UNDONE, undone_at=now, undo_result=result)
