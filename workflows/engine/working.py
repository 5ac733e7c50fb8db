"""Working due runs: in batches of one version and one node, each of which is worked as a whole or not at all."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import datetime
from time import monotonic
from zoneinfo import ZoneInfo, available_timezones

from django.db import InterfaceError, OperationalError, transaction
from django.utils.translation import gettext as _

from segments.models import Membership
from workflows.engine.claiming import claim, due_groups
from workflows.engine.failing import give_up, try_later
from workflows.engine.frozen import in_work
from workflows.engine.moving import Moves
from workflows.models import Run
from workflows.nodes import NODES
from workflows.nodes.base import Batch, CannotWork, Outcome, Stop, WaitUntil
from workflows.rules import Rules

BATCH = 1_000
LONGEST = 0.25  # seconds for which runs are followed in one transaction, while others may wait for its locks
MOST_HOPS = 250  # a way without a circle is shorter than that: see `workflows.graph.MOST_NODES`

logger = logging.getLogger(__name__)


def work_due(*, now: datetime, limit: int | None = None) -> int:
    """Work runs that are due until none is left, or about ``limit`` are worked; returns how many visits that were."""
    worked = 0
    while limit is None or worked < limit:
        before = worked
        for version_id, node_id in due_groups(now=now):
            while done := work_batch(version_id, node_id, now=now):
                worked += done
                if limit is not None and worked >= limit:
                    return worked
        if worked == before:
            return worked
    return worked


def work_batch(version_id: int, node_id: str, *, now: datetime, only: Collection[int] | None = None) -> int:
    """Work a batch of due runs on a node, and then on the nodes that they go on to; returns how many visits that were.

    All of it is one transaction, for `LONGEST` at most. When something fails, only the first node is worked, so that
    what comes before the fault is done; and when that fails for some runs, these alone are tried again later. Raises
    OperationalError when the database itself fails, which is nobody's fault here and undoes all.
    """
    try:
        return _work(version_id, node_id, now=now, only=only, longest=LONGEST)
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        return _work_with_care(version_id, node_id, now=now, only=only)


def _work_with_care(version_id: int, node_id: str, *, now: datetime, only: Collection[int] | None) -> int:
    taken: list[int] = []
    try:
        return _work(version_id, node_id, now=now, only=only, longest=0, taken=taken)
    except (OperationalError, InterfaceError):
        raise
    except CannotWork as error:
        try_later(taken, str(error), now=now)
    except Exception as error:
        if len(taken) == 1:
            logger.exception("run %s failed at node %s of version %s", taken[0], node_id, version_id)
            try_later(taken, f"{type(error).__name__}: {error}", now=now)
        else:
            for half in (taken[: len(taken) // 2], taken[len(taken) // 2 :]):
                _work_with_care(version_id, node_id, now=now, only=half)
    return len(taken)


def _work(
    version_id: int,
    node_id: str,
    *,
    now: datetime,
    only: Collection[int] | None,
    longest: float,
    taken: list[int] | None = None,
) -> int:
    """``longest`` is for how many seconds runs are followed from node to node; ``taken`` is filled with their ids."""
    until = monotonic() + longest
    with transaction.atomic():
        of_version = in_work(version_id)
        batch = claim(of_version, node_id, now=now, limit=BATCH, only=only) if of_version else None
        if of_version is None or batch is None:
            return 0
        if taken is not None:
            taken += batch.run_ids
        moves = Moves(version_id, now=now)
        worked, seen = 0, set[str]()
        while batch is not None:
            # A node is worked once: what it has done for these runs can only be read when all is written.
            seen.add(batch.node.id)
            moves.apply(batch, _outcomes(batch, of_version.rules))
            worked += len(batch.visits)
            batch = _next_batch(batch, moves, seen) if monotonic() < until else None
        moves.write()
        return worked


def _next_batch(batch: Batch, moves: Moves, seen: set[str]) -> Batch | None:
    """The runs that have gone on to a node on which none was worked before."""
    node_id = next((node_id for node_id in moves.ahead if node_id not in seen), None)
    if node_id is None:
        return None
    return replace(batch, node=batch.graph.nodes[node_id], visits=moves.ahead.pop(node_id))


def _outcomes(batch: Batch, rules: Rules) -> Iterator[Outcome]:
    """What becomes of the runs: what the workflow's rules say comes before what the node does."""
    endless = [visit.run_id for visit in batch.visits if visit.hops > MOST_HOPS]
    if endless:
        give_up(batch.only(endless).visits, batch.node.id, _("It goes in a circle without waiting."), now=batch.now)
        batch = batch.only(set(batch.run_ids) - set(endless))
        yield Stop(endless, _("It goes in a circle without waiting."), "failed")
    for held_back in (_left, _at_goal, _outside_hours):
        for outcome in held_back(batch, rules):
            yield outcome
            batch = batch.only(set(batch.run_ids) - set(outcome.runs))
    if batch.visits:
        yield from NODES[batch.node.type].work(batch)


def _left(batch: Batch, rules: Rules) -> Iterator[Outcome]:
    """Runs of contacts that no longer belong to the segment whose members alone stay in the workflow."""
    if rules.exit_segment and not batch.is_test and batch.visits:
        members = Membership.objects.filter(segment_id=rules.exit_segment, contact_id__in=batch.contact_ids)
        gone = batch.runs_of(set(batch.contact_ids) - set(members.values_list("contact_id", flat=True)))
        if gone:
            yield Stop(gone, _("Left the segment"))


def _at_goal(batch: Batch, rules: Rules) -> Iterator[Outcome]:
    """Runs that have reached what they were for, which an action just before may have brought about."""
    if not rules.goal_key or batch.is_test or not batch.visits:
        return
    reached = rules.goals_since(batch.contact_ids, min(visit.started_at for visit in batch.visits))
    there = [visit.run_id for visit in batch.visits if rules.is_goal(reached.get(visit.contact_id), visit.started_at)]
    if there:
        yield Stop(there, state=Run.State.GOAL)


def _outside_hours(batch: Batch, rules: Rules) -> Iterator[Outcome]:
    """Runs that would reach their contact at a time at which the workflow may not."""
    if not (NODES[batch.node.type].reaches_people and rules.keeps_hours) or batch.is_test or not batch.visits:
        return
    zones = _zones(batch) if rules.needs_zone else {}
    moments = {visit.run_id: rules.may_act_at(batch.now, zones.get(visit.contact_id)) for visit in batch.visits}
    held = {run_id: at for run_id, at in moments.items() if at > batch.now}
    if held:
        yield WaitUntil(list(held), at=held)


def _zones(batch: Batch) -> dict[int, ZoneInfo]:
    known = available_timezones()
    named = batch.contacts.exclude(time_zone="").values_list("pk", "time_zone")
    return {pk: ZoneInfo(name) for pk, name in named if name in known}
