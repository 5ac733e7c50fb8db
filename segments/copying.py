"""Making a segment from another one: with the same conditions, or with the members that it has at this moment."""

from __future__ import annotations

from datetime import datetime
from itertools import count

from django.db import transaction
from django.db.models import Max, Min, QuerySet
from django.utils.translation import gettext as _

from contacts.folding import Fold, fold
from contacts.models import Contact
from crm import jobs
from crm.models import Job, User
from segments import editing
from segments.ledger import memberships_lock
from segments.logic import in_set, not_in_set
from segments.membership import add
from segments.models import Cause, Membership, Segment, Transition

MEMBERS_JOB = "segments.copy_members"


def free_name(wanted: str) -> str:
    """A name that no segment has: ``wanted``, with a number behind it if need be."""
    wanted = wanted[:190]
    alike = Segment.objects.live().alias(folded=Fold("name")).filter(folded__startswith=fold(wanted))
    taken = {fold(name) for name in alike.values_list("name", flat=True)}
    names = (wanted if number == 1 else f"{wanted} {number}" for number in count(1))
    return next(name for name in names if fold(name) not in taken)


def save_as_copy(
    source: Segment, *, name: str, description: str, is_test: bool, now: datetime, user: User | None = None
) -> tuple[Segment, Job | None]:
    """A new segment of the same type: with the same conditions, still to be filled, or with the same members.

    The job is the one that copies many members. Raises `DefinitionError` when the conditions can no longer be used.
    """
    if source.is_static:
        return save_as_snapshot(source, name=name, description=description, is_test=is_test, now=now, user=user)
    copy = editing.create_segment(
        name=name,
        kind=source.kind,
        description=description,
        is_test=is_test,
        definition=source.definition,
        now=now,
        user=user,
    )
    return copy, None


def save_as_snapshot(
    source: Segment, *, name: str, description: str, is_test: bool, now: datetime, user: User | None = None
) -> tuple[Segment, Job | None]:
    """A new static segment with the members that ``source`` has at this moment.

    Many are copied by a job, which is returned then; whoever enters or leaves ``source`` meanwhile makes no difference.
    """
    static = Segment.Kind.STATIC
    with transaction.atomic():
        copy = editing.create_segment(
            name=name, kind=static, description=description, is_test=is_test, now=now, user=user
        )
        if source.size > editing.SMALL:
            return copy, _start(copy, source, now=now, user=user)
        _put(copy, source, [Contact.objects.filter(pk__in=_members(source.pk))], now=now)
    copy.refresh_from_db()
    return copy, None


def _start(copy: Segment, source: Segment, *, now: datetime, user: User | None) -> Job:
    latest = Transition.objects.filter(segment=source).aggregate(latest=Max("pk"))["latest"] or 0
    return jobs.start(
        MEMBERS_JOB,
        title=_("Members of %(segment)s") % {"segment": copy.name},
        subject=f"segment:{copy.pk}",
        params={"segment": copy.pk, "source": source.pk, "transition": latest},
        user=user,
        now=now,
    )


def copy_members_job(job: Job, *, now: datetime) -> None:
    """What a job does that copies members. Done again after a crash, it finds them copied."""
    copy = Segment.objects.live().static().filter(pk=job.params["segment"]).first()
    source = Segment.objects.filter(pk=job.params["source"]).first()
    if copy is None or source is None or _is_done(copy, source):
        return
    jobs.progress(job, 1, 2, _("Copying the members"))
    _put(copy, source, members_after(source.pk, job.params["transition"]), now=now)


def _is_done(copy: Segment, source: Segment) -> bool:
    return Transition.objects.filter(segment=copy, cause=Cause.SEGMENT, detail=_detail(source)).exists()


def _detail(source: Segment) -> str:
    return f"segment:{source.pk}"


def _put(copy: Segment, source: Segment, sets: list[QuerySet[Contact]], *, now: datetime) -> None:
    with memberships_lock():
        for contacts in sets:
            add(copy, contacts, now=now, cause=Cause.SEGMENT, detail=_detail(source))


def _members(segment_id: int) -> QuerySet[Membership, int]:
    return Membership.objects.filter(segment_id=segment_id).values_list("contact_id", flat=True)


def members_after(segment_id: int, transition_id: int) -> list[QuerySet[Contact]]:
    """The members that a segment had just after a transition of it, as two sets: those who stayed, and the others.

    The ids of transitions follow the order in which they came true, because memberships have one writer at a time. So
    whose first transition since then was to leave was a member, and whose first one was to enter was not.
    """
    since = Transition.objects.filter(segment_id=segment_id, pk__gt=transition_id).order_by()
    first = since.values("contact_id").annotate(first=Min("pk")).values("first")
    left = Transition.objects.filter(pk__in=first, kind=Transition.Kind.LEFT).order_by().values("contact_id")
    stayed = Contact.objects.filter(in_set(_members(segment_id))).filter(not_in_set(since.values("contact_id")))
    return [stayed, Contact.objects.filter(in_set(left))]
