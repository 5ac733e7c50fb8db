"""Applying what nodes make of runs: they go on, wait or stop, each step is kept, and the counts of the nodes grow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import F

from contacts.json_rows import in_values, moment_writer, rows_of, rows_parameter, values_parameter
from workflows.models import Count, Run
from workflows.nodes.base import Batch, Next, Outcome, Visit, WaitUntil, Withdraw

TEST_WAIT = timedelta(seconds=5)  # how long any wait lasts while a draft is tested
LONGEST_DETAIL = 300

STEP = {
    "run_id": "bigint",
    "visit": "bigint",
    "arrived_at": "timestamptz",
    "port": "text",
    "acted": "boolean",
    "detail": "text",
}


def apply(batch: Batch, outcomes: Iterable[Outcome]) -> None:
    """Write what becomes of the runs of a batch, in its transaction.

    Raises ValueError unless every run is named in exactly one outcome.
    """
    outcomes = list(outcomes)
    _require_each_once(batch, outcomes)
    visits = {visit.run_id: visit for visit in batch.visits}
    steps: list[dict[str, Any]] = []
    passed: Counter[tuple[str, bool]] = Counter()
    for outcome in outcomes:
        if not outcome.runs:
            continue
        if isinstance(outcome, WaitUntil):
            _wait(batch, outcome)
            continue
        if isinstance(outcome, Withdraw):
            _withdraw(batch, outcome)
            continue
        going = [visits[run_id] for run_id in outcome.runs]
        if isinstance(outcome, Next):
            _go_on(batch, outcome)
            passed[outcome.port, outcome.acted] += len(going)
            steps += [_step(visit, outcome.port, outcome.acted, outcome.detail) for visit in going]
        else:
            end(outcome.runs, outcome.state, outcome.reason, now=batch.now)
            steps += [_step(visit, "", False, outcome.reason) for visit in going]
    _keep(steps, batch)
    counts: dict[tuple[int, str, str], tuple[int, int]] = {}
    for (port, acted), number in passed.items():
        before = counts.get((batch.version.pk, batch.node.id, port), (0, 0))
        counts[batch.version.pk, batch.node.id, port] = (before[0] + number, before[1] + (number if acted else 0))
    count_passed(counts)


def _require_each_once(batch: Batch, outcomes: list[Outcome]) -> None:
    named = Counter(run_id for outcome in outcomes for run_id in outcome.runs)
    if named != Counter(batch.run_ids):
        raise ValueError(f"the node {batch.node.type} does not say of each run once what becomes of it")


def _go_on(batch: Batch, outcome: Next) -> None:
    target = batch.graph.after(batch.node.id, outcome.port)
    if target is None:
        end(outcome.runs, "finished", "", now=batch.now)
        return
    now = moment_writer()(batch.now)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE workflows_run SET node = %s, visit = visit + 1, hops = hops + 1, attempts = 0, awaits = '',"
            f" reason = '', woken = false, arrived_at = {moment()}, due_at = {moment()} WHERE {in_values('id')}",
            [target, now, now, values_parameter(outcome.runs)],
        )


def _wait(batch: Batch, outcome: WaitUntil) -> None:
    """Let runs wait. Who waits for a moment that has come goes on at once, and has made no progress in time."""
    at = outcome.at
    moments = dict(at) if isinstance(at, Mapping) else dict.fromkeys(outcome.runs, at)
    if batch.is_test:
        soon = batch.now + TEST_WAIT
        moments = {run_id: min(until or soon, soon) for run_id, until in moments.items()}
    written = moment_writer()
    rows = [
        {
            "run_id": run_id,
            "due_at": None if until is None else written(max(until, batch.now)),
            "waits": until is None or until > batch.now,
        }
        for run_id, until in moments.items()
    ]
    table = rows_of({"run_id": "bigint", "due_at": "timestamptz", "waits": "boolean"})
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE workflows_run SET due_at = w.due_at, awaits = %s, woken = false, attempts = 0,"
            f" hops = CASE WHEN w.waits THEN 0 ELSE hops + 1 END FROM {table} AS w WHERE workflows_run.id = w.run_id",
            [outcome.awaits, rows_parameter(rows)],
        )


def _withdraw(batch: Batch, outcome: Withdraw) -> None:
    Run.objects.filter(pk__in=list(outcome.runs)).delete()
    if batch.graph.start:
        passed = Count.objects.filter(version=batch.version, node=batch.graph.start.id, port="next")
        passed.update(passed=F("passed") - len(outcome.runs))


def end(run_ids: Iterable[int], state: str, reason: str, *, now: datetime) -> None:
    """End runs: see `workflows.models.Run.State`."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE workflows_run SET state = %s, reason = %s, ended_at = {moment()}, due_at = NULL, awaits = ''"
            f" WHERE {in_values('id')}",
            [state, reason[:200], moment_writer()(now), values_parameter(run_ids)],
        )


def _step(visit: Visit, port: str, acted: bool, detail: str | Mapping[int, str]) -> dict[str, Any]:
    said = detail if isinstance(detail, str) else detail.get(visit.run_id, "")
    return {
        "run_id": visit.run_id,
        "visit": visit.number,
        "arrived_at": visit.arrived_at,
        "port": port,
        "acted": acted,
        "detail": said[:LONGEST_DETAIL],
    }


def _keep(steps: list[dict[str, Any]], batch: Batch) -> None:
    if not steps:
        return
    written = moment_writer()
    for step in steps:
        step["arrived_at"] = written(step["arrived_at"])
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO workflows_step (run_id, visit, node, arrived_at, left_at, port, acted, detail)"
            f" SELECT run_id, visit, %s, arrived_at, {moment()}, port, acted, detail FROM {rows_of(STEP)} AS step",
            [batch.node.id, written(batch.now), rows_parameter(steps)],
        )


def count_passed(counts: Mapping[tuple[int, str, str], tuple[int, int]]) -> None:
    """Add to how many passed and acted, by version, node and port."""
    rows = [
        {"version_id": version_id, "node": node, "port": port, "passed": passed, "acted": acted}
        for (version_id, node, port), (passed, acted) in sorted(counts.items())
    ]
    if not rows:
        return
    table = rows_of({"version_id": "bigint", "node": "text", "port": "text", "passed": "bigint", "acted": "bigint"})
    with connection.cursor() as cursor:
        # WHERE true: without it SQLite would read ON CONFLICT as the condition of a join.
        cursor.execute(
            "INSERT INTO workflows_count AS counted (version_id, node, port, passed, acted)"
            f" SELECT version_id, node, port, passed, acted FROM {table} AS new WHERE true"
            " ON CONFLICT (version_id, node, port) DO UPDATE"
            " SET passed = counted.passed + excluded.passed, acted = counted.acted + excluded.acted",
            [rows_parameter(rows)],
        )


def moment() -> str:
    """SQL for the moment in a parameter that `moment_writer` has written."""
    return "%s::timestamptz" if connection.vendor == "postgresql" else "%s"
