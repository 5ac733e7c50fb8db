"""Putting a draft into force, and pausing, resuming and finishing a workflow."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import F, Max
from django.utils.translation import gettext as _

from contacts import arrivals
from crm.models import User
from segments.ledger import memberships_lock
from segments.models import Transition
from workflows.checking import faults_of
from workflows.engine.claiming import hold_runs
from workflows.engine.frozen import Frozen, frozen, note_change, occupied_versions, open_versions
from workflows.engine.moving import end
from workflows.engine.taking_in import LEDGER, take_arrivals
from workflows.graph import Fault, Graph, parse
from workflows.models import Appointment, Cursor, Run, Version, Workflow
from workflows.nodes.base import NodeContext


class CannotActivate(ValueError):
    """The graph has ``faults``."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("; ".join(fault.message for fault in faults))
        self.faults = faults


class WrongState(ValueError):
    """The workflow is not in a state in which that can be done."""


def activate(workflow: Workflow, *, now: datetime, user: User | None, move: bool = False) -> Version:
    """Freeze the draft as the version that contacts enter from now on.

    Contacts inside go on in their version; with ``move`` those that stand on a node that the new version has too go on
    there. What has happened while the workflow was active, and nobody has taken in yet, is not lost: events let
    contacts into the version before, and segments into this one. Raises `CannotActivate`.
    """
    if workflow.state == Workflow.State.ACTIVE:
        _take_what_has_arrived(now=now)
    with transaction.atomic():
        if move:  # workers lock runs before memberships
            hold_runs("workflow_id = %s", [workflow.pk])
        version = _activate(workflow, now=now, user=user, move=move)
    workflow.refresh_from_db()
    return version


def _take_what_has_arrived(*, now: datetime) -> None:
    while take_arrivals(now=now):
        pass


def _activate(workflow: Workflow, *, now: datetime, user: User | None, move: bool) -> Version:
    with memberships_lock():  # so that every transition is before or after
        current = Workflow.objects.select_for_update(no_key=True).get(pk=workflow.pk)
        graph = parse(current.draft)
        if found := faults_of(graph, NodeContext(graph, workflow_id=current.pk)):
            raise CannotActivate(found)
        last = Transition.objects.aggregate(last=Max("pk"))["last"] or 0
        before = current.version if current.state == Workflow.State.ACTIVE else None
        ledger_from = before.ledger_from if before else last
        version = add_version(current, graph, now=now, user=user, ledger_from=ledger_from)
        Cursor.objects.get_or_create(consumer=LEDGER, defaults={"position": last})
        current.version, current.state = version, Workflow.State.ACTIVE
        current.updated_at, current.updated_by = now, user
        current.save(update_fields=["version", "state", "updated_at", "updated_by"])
        _make_appointments(frozen([version.pk])[version.pk], now=now)
        if move:
            _move(current, version, graph)
        listen()
    return version


def add_version(
    workflow: Workflow, graph: Graph, *, now: datetime, user: User | None, ledger_from: int = 0, is_test: bool = False
) -> Version:
    """Keep the graph as the workflow's next version."""
    number = (Version.objects.filter(workflow=workflow).aggregate(last=Max("number"))["last"] or 0) + 1
    return Version.objects.create(
        workflow=workflow,
        number=number,
        graph=graph.as_json(),
        is_test=is_test,
        ledger_from=ledger_from,
        saved_at=now,
        saved_by=user,
    )


def _make_appointments(version: Frozen, *, now: datetime) -> None:
    Appointment.objects.filter(version__workflow_id=version.workflow_id).delete()
    for node, trigger in version.entries:
        if opens := trigger.opens_at(node.settings, after=now):
            Appointment.objects.create(version_id=version.version_id, node=node.id, due_at=opens)
    if version.begins_at_start and version.graph.start and version.rules.which != "new":
        Appointment.objects.create(version_id=version.version_id, node=version.graph.start.id, due_at=now)


def _move(workflow: Workflow, version: Version, graph: Graph) -> None:
    inside = Run.objects.inside().real().filter(workflow=workflow).exclude(version=version)
    kept = {node.id: node.type for node in graph.nodes.values()}
    for old in frozen(set(inside.values_list("version_id", flat=True))).values():
        same = [node.id for node in old.graph.nodes.values() if kept.get(node.id) == node.type]
        inside.filter(version_id=old.version_id, node__in=same).update(version=version)


def pause(workflow: Workflow, *, now: datetime, user: User | None) -> None:
    """Let nobody in and everybody inside stay where they are. Raises `WrongState`."""
    _change(workflow, {Workflow.State.ACTIVE}, Workflow.State.PAUSED, now=now, user=user)


def resume(workflow: Workflow, *, now: datetime, user: User | None) -> None:
    """Go on with a paused or finished workflow: what happened meanwhile lets nobody in. Raises `WrongState`."""
    _take_what_has_arrived(now=now)
    with memberships_lock():
        _change(workflow, {Workflow.State.PAUSED, Workflow.State.FINISHED}, Workflow.State.ACTIVE, now=now, user=user)
        last = Transition.objects.aggregate(last=Max("pk"))["last"] or 0
        Version.objects.filter(workflow=workflow, pk=F("workflow__version")).update(ledger_from=last)
        _leave_out_missed(workflow, now=now)


def _leave_out_missed(workflow: Workflow, *, now: datetime) -> None:
    for version in frozen([workflow.version_id] if workflow.version_id else []).values():
        for node, trigger in version.entries:
            missed = Appointment.objects.filter(version_id=version.version_id, node=node.id, due_at__lte=now)
            if opens := trigger.opens_at(node.settings, after=now):
                missed.update(due_at=opens)
            else:
                missed.delete()


def finish(workflow: Workflow, *, now: datetime, user: User | None, end_runs: bool = False) -> None:
    """Let nobody in any more; those inside go on to their end, or end now with ``end_runs``. Raises `WrongState`."""
    with transaction.atomic():
        _change(workflow, {Workflow.State.ACTIVE, Workflow.State.PAUSED}, Workflow.State.FINISHED, now=now, user=user)
        if end_runs:
            inside = Run.objects.inside().filter(workflow=workflow)
            end(list(inside.values_list("pk", flat=True)), Run.State.EXITED, _("The workflow was finished"), now=now)


def _change(
    workflow: Workflow, before: set[Workflow.State], after: Workflow.State, *, now: datetime, user: User | None
) -> None:
    with transaction.atomic():
        changed = Workflow.objects.live().filter(pk=workflow.pk, state__in=before)
        if not changed.update(state=after, updated_at=now, updated_by=user):
            raise WrongState(_("The workflow is not in a state in which this can be done."))
        listen()
    workflow.refresh_from_db()


def listen() -> None:
    """Have arrivals written of what can let contacts in, wake a run or end one, and of nothing else."""
    keys = {key for version in open_versions().values() for key in (*version.entry_keys, *version.inner_keys)}
    keys |= {key for version in occupied_versions().values() for key in version.inner_keys}
    arrivals.watch(key for key in keys if not key.startswith(("entered:", "left:")))
    note_change()
