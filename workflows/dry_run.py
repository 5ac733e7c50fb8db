"""A dry run: the way that a contact would take through a draft now, by the engine itself, of which nothing remains."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from contacts.models import Contact
from segments.compiler import compile
from segments.context import Context
from workflows.activation import CannotActivate, add_version
from workflows.checking import faults_of
from workflows.engine.working import work_batch
from workflows.entering import enter, entries_of
from workflows.graph import Graph, parse
from workflows.models import Run, Workflow
from workflows.nodes.base import NodeContext
from workflows.paths import Path, path_of
from workflows.rules import rules_of

MOST_STEPS = 500
FURTHEST = timedelta(days=2 * 366)


@dataclass(frozen=True)
class DryRun:
    """The way, and what there is to be said about it; no ``path`` where Start would not let the contact in."""

    path: Path | None
    notes: list[str]


class _Undo(Exception):
    """Takes everything back."""


def dry_run(workflow: Workflow, contact: Contact, *, now: datetime, entry: str = "") -> DryRun:
    """The way of a contact through the draft from now on.

    What the entry waits for is taken to have happened; ``entry`` is the id of its node, where there are several. What
    is waited for further down does not happen, and the clock goes on to the moment when the wait is over. Everything
    is done in a transaction that is rolled back. Raises `CannotActivate`.
    """
    graph = parse(workflow.draft)
    if found := faults_of(graph, NodeContext(graph, workflow_id=workflow.pk)):
        raise CannotActivate(found)
    if not _is_let_in(graph, contact, now=now):
        return DryRun(None, [_("Start does not let this contact in: it does not meet the limitation.")])
    result: list[DryRun] = []
    try:
        with transaction.atomic():
            result.append(_tried(workflow, graph, contact, entry, now=now))
            raise _Undo
    except _Undo:
        return result[0]


def _is_let_in(graph: Graph, contact: Contact, *, now: datetime) -> bool:
    limitation = rules_of(graph).limitation
    if not limitation:
        return True
    return Contact.objects.filter(pk=contact.pk).filter(compile(limitation, now=now, context=Context(now=now))).exists()


def _tried(workflow: Workflow, graph: Graph, contact: Contact, entry: str, *, now: datetime) -> DryRun:
    # Graphs are kept by their version, whose id is free again afterwards: this number tells one dry run from the next.
    version = add_version(workflow, graph, now=now, user=None, ledger_from=-1 - secrets.randbelow(2**62))
    entries = entries_of(version)
    enter(version, [entry if entry in entries else entries[0]], [contact.pk], key="dry", now=now)
    run = Run.objects.select_related("version", "workflow", "contact").get(version=version)
    notes = _follow(run, now=now)
    return DryRun(path_of(run), notes)


def _follow(run: Run, *, now: datetime) -> list[str]:
    """Let the run go on, step by step, with the clock at the moment when it goes on."""
    moment = now
    for _step in range(MOST_STEPS):
        if run.state != Run.State.WAITING:
            return []
        if run.due_at is None:
            return [_("Here the contact waits until something happens.")]
        if run.attempts:
            return [_("Here it does not go on: %(reason)s") % {"reason": run.reason}]
        if run.due_at > now + FURTHEST:
            return [_("What comes more than two years from now is not looked at.")]
        moment = max(moment, run.due_at)
        work_batch(run.version_id, run.node, now=moment, only=[run.pk])
        run.refresh_from_db(from_queryset=Run.objects.select_related("version", "workflow", "contact"))
    return [_("It goes on and on: only the first steps are shown.")]
