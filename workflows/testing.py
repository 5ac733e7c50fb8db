"""Testing a draft: the contacts of a test segment go through it now, with the waits shortened."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from time import sleep

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from crm import jobs
from crm.models import Job, User
from segments.models import Membership, Segment
from workflows.activation import CannotActivate, add_version, listen
from workflows.checking import faults_of
from workflows.engine.claiming import due_groups
from workflows.engine.working import work_batch
from workflows.entering import enter, entries_of
from workflows.graph import parse
from workflows.models import Run, Version, Workflow
from workflows.nodes.base import NodeContext

TEST_JOB = "workflows.test"
MOST_CONTACTS = 500
LONGEST = timedelta(minutes=10)
PAUSE = 0.5  # seconds between two looks while all contacts wait


class CannotTest(ValueError):
    """The segment is none to test with; the text says why."""


def start_test(workflow: Workflow, segment: Segment, *, now: datetime, user: User | None) -> tuple[Version, Job]:
    """Have a job lead the contacts of a test segment through the draft. Raises `CannotTest` and `CannotActivate`."""
    if not (segment.is_test and segment.is_static):
        raise CannotTest(_("Choose a static segment that is marked as a test segment."))
    if segment.size > MOST_CONTACTS:
        raise CannotTest(_("A test segment has at most %(most)s contacts.") % {"most": MOST_CONTACTS})
    if not Membership.objects.filter(segment=segment).exists():
        raise CannotTest(_("The segment is empty: add the contacts that shall get the test."))
    graph = parse(workflow.draft)
    if found := faults_of(graph, NodeContext(graph, workflow_id=workflow.pk)):
        raise CannotActivate(found)
    with transaction.atomic():
        version = add_version(
            Workflow.objects.select_for_update().get(pk=workflow.pk), graph, now=now, user=user, is_test=True
        )
        Workflow.objects.filter(pk=workflow.pk).update(test_segment=segment)
        job = jobs.start(
            TEST_JOB,
            title=_("Test of %(workflow)s") % {"workflow": workflow.name},
            subject=subject_of(version),
            params={"version": version.pk, "segment": segment.pk, "workflow": workflow.pk, "number": version.number},
            user=user,
            now=now,
        )
    return version, job


def subject_of(version: Version) -> str:
    """The subject of the job that tests a version."""
    return f"workflow-test:{version.pk}"


def do_test(
    job: Job,
    *,
    now: datetime,
    clock: Callable[[], datetime] = timezone.now,
    pause: Callable[[float], None] = sleep,
) -> None:
    """What a test job does: lead every contact through, until none is left inside or `LONGEST` has gone by."""
    version = Version.objects.filter(pk=job.params["version"], workflow__deleted_at__isnull=True).first()
    if version is None:
        return
    members = Membership.objects.filter(segment_id=job.params["segment"]).values_list("contact_id", flat=True)
    with transaction.atomic():
        enter(version, entries_of(version), list(members[:MOST_CONTACTS]), key=f"test:{version.pk}", now=now)
        listen()  # to what the draft waits for, too
    runs = Run.objects.filter(version=version)
    total, until = runs.count(), clock() + LONGEST
    try:
        while (inside := runs.inside().count()) and clock() < until:
            jobs.progress(job, total - inside, total, _("%(inside)s inside") % {"inside": inside})
            if not _work(version, now=clock()):
                pause(PAUSE)
    except jobs.Cancelled:
        _end(version, _("The test was cancelled"), now=clock())
        raise
    _end(version, _("The test was over"), now=clock())
    jobs.progress(job, total, total, _("Every contact went through"))


def _work(version: Version, *, now: datetime) -> int:
    nodes = [node for version_id, node in due_groups(now=now) if version_id == version.pk]
    return sum(work_batch(version.pk, node, now=now) for node in nodes)


def _end(version: Version, reason: str, *, now: datetime) -> None:
    Run.objects.inside().filter(version=version).update(
        state=Run.State.EXITED, reason=reason[:200], ended_at=now, due_at=None, awaits=""
    )
