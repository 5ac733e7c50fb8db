"""What becomes of runs in one transaction: collected while node after node works them, and written at its end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import F

from contacts.json_rows import in_values, moment_writer, rows_of, rows_parameter, values_parameter
from workflows.models import Count, Run
from workflows.nodes.base import Batch, Next, Outcome, Visit, WaitUntil, Withdraw

TEST_WAIT = timedelta(seconds=5)  # how long any wait lasts while a draft is tested
LONGEST_DETAIL = 300
LONGEST_REASON = 200

STEP = {
    "run_id": "bigint",
    "visit": "bigint",
    "node": "text",
    "arrived_at": "timestamptz",
    "port": "text",
    "acted": "boolean",
    "detail": "text",
}
PLACE = {
    "run_id": "bigint",
    "node": "text",
    "visit": "bigint",
    "hops": "bigint",
    "arrived_at": "timestamptz",
    "due_at": "timestamptz",
    "awaits": "text",
}
END = {"run_id": "bigint", "node": "text", "visit": "bigint", "state": "text", "reason": "text"}


class Moves:
    """The moves of runs of one version.

    ``ahead`` are the visits of runs that have gone on and are still to be worked, by node: in the same transaction, or
    later by whoever finds them due.
    """

    def __init__(self, version_id: int, *, now: datetime) -> None:
        self.version_id = version_id
        self.now = now
        self.ahead: dict[str, list[Visit]] = {}
        self._written = moment_writer()
        self._steps: list[dict[str, Any]] = []
        self._places: list[dict[str, Any]] = []
        self._ends: list[dict[str, Any]] = []
        self._withdrawn: list[int] = []
        self._entered_by = ""
        self._passed: Counter[tuple[str, str]] = Counter()
        self._acted: Counter[tuple[str, str]] = Counter()

    def apply(self, batch: Batch, outcomes: Iterable[Outcome]) -> None:
        """Take over what a node makes of a batch. Raises ValueError unless each run is named in exactly one outcome."""
        visits = {visit.run_id: visit for visit in batch.visits}
        named: Counter[int] = Counter()
        for outcome in outcomes:
            named.update(outcome.runs)
            moving = [visits[run_id] for run_id in outcome.runs if run_id in visits]
            if isinstance(outcome, Next):
                self._go_on(batch, outcome, moving)
            elif isinstance(outcome, WaitUntil):
                self._wait(batch, outcome, moving)
            elif isinstance(outcome, Withdraw):
                self._withdrawn += outcome.runs
                self._entered_by = batch.graph.start.id if batch.graph.start else ""
            else:
                self._end(batch, moving, outcome.state, outcome.reason)
                self._step(batch, moving, "", False, outcome.reason)
        if named != Counter(batch.run_ids):
            raise ValueError(f"the node {batch.node.type} does not say of each run once what becomes of it")

    def _go_on(self, batch: Batch, outcome: Next, visits: list[Visit]) -> None:
        self._step(batch, visits, outcome.port, outcome.acted, outcome.detail)
        self._passed[batch.node.id, outcome.port] += len(visits)
        if outcome.acted:
            self._acted[batch.node.id, outcome.port] += len(visits)
        target = batch.graph.after(batch.node.id, outcome.port)
        if target is None:
            self._end(batch, visits, Run.State.FINISHED, "")
        elif visits:
            self.ahead.setdefault(target, []).extend(
                replace(
                    visit,
                    number=visit.number + 1,
                    hops=visit.hops + 1,
                    attempts=0,
                    arrived_at=self.now,
                    woken=False,
                )
                for visit in visits
            )

    def _wait(self, batch: Batch, outcome: WaitUntil, visits: list[Visit]) -> None:
        """Let runs wait. Who waits for a moment that has come goes on at once, and has made no progress in time."""
        for visit in visits:
            at = outcome.at.get(visit.run_id) if isinstance(outcome.at, Mapping) else outcome.at
            if batch.is_test:
                soon = self.now + TEST_WAIT
                at = min(at or soon, soon)
            hops = visit.hops + 1 if at is not None and at <= self.now else 0
            due = None if at is None else max(at, self.now)
            self._stay(batch.node.id, replace(visit, hops=hops), due, outcome.awaits)

    def _stay(self, node_id: str, visit: Visit, due_at: datetime | None, awaits: str) -> None:
        self._places.append(
            {
                "run_id": visit.run_id,
                "node": node_id,
                "visit": visit.number,
                "hops": visit.hops,
                "arrived_at": self._written(visit.arrived_at),
                "due_at": None if due_at is None else self._written(due_at),
                "awaits": awaits,
            }
        )

    def _end(self, batch: Batch, visits: list[Visit], state: str, reason: str) -> None:
        for visit in visits:
            row = {"run_id": visit.run_id, "node": batch.node.id, "visit": visit.number, "state": str(state)}
            self._ends.append(row | {"reason": reason[:LONGEST_REASON]})

    def _step(self, batch: Batch, visits: list[Visit], port: str, acted: bool, detail: str | Mapping[int, str]) -> None:
        for visit in visits:
            said = detail if isinstance(detail, str) else detail.get(visit.run_id, "")
            row = {"run_id": visit.run_id, "visit": visit.number, "node": batch.node.id, "port": port, "acted": acted}
            self._steps.append(row | {"arrived_at": self._written(visit.arrived_at), "detail": said[:LONGEST_DETAIL]})

    def write(self) -> None:
        """Write everything. Runs that are still ahead stay due where they have come to."""
        for node_id, visits in self.ahead.items():
            for visit in visits:
                self._stay(node_id, visit, self.now, "")
        self._write_places()
        self._write_ends()
        self._write_steps()
        count_passed(
            {
                (self.version_id, node, port): (passed, self._acted[node, port])
                for (node, port), passed in self._passed.items()
            }
        )
        self._write_withdrawn()

    def _write_places(self) -> None:
        if self._places:
            with connection.cursor() as cursor:
                cursor.execute(
                    "UPDATE workflows_run SET node = p.node, visit = p.visit, hops = p.hops, due_at = p.due_at,"
                    " arrived_at = p.arrived_at, awaits = p.awaits, woken = false, attempts = 0, reason = ''"
                    f" FROM {rows_of(PLACE)} AS p WHERE workflows_run.id = p.run_id",
                    [rows_parameter(self._places)],
                )

    def _write_ends(self) -> None:
        if self._ends:
            with connection.cursor() as cursor:
                cursor.execute(
                    "UPDATE workflows_run SET node = e.node, visit = e.visit, state = e.state, reason = e.reason,"
                    f" ended_at = {moment()}, due_at = NULL, awaits = ''"
                    f" FROM {rows_of(END)} AS e WHERE workflows_run.id = e.run_id",
                    [self._written(self.now), rows_parameter(self._ends)],
                )

    def _write_withdrawn(self) -> None:
        if self._withdrawn:
            Run.objects.filter(pk__in=self._withdrawn).delete()
            entered = Count.objects.filter(version_id=self.version_id, node=self._entered_by, port="next")
            entered.update(passed=F("passed") - len(self._withdrawn))

    def _write_steps(self) -> None:
        if self._steps:
            with connection.cursor() as cursor:
                cursor.execute(
                    "INSERT INTO workflows_step (run_id, visit, node, arrived_at, left_at, port, acted, detail)"
                    f" SELECT run_id, visit, node, arrived_at, {moment()}, port, acted, detail"
                    f" FROM {rows_of(STEP)} AS step",
                    [self._written(self.now), rows_parameter(self._steps)],
                )


def end(run_ids: Iterable[int], state: str, reason: str, *, now: datetime) -> None:
    """End runs where they stand: see `workflows.models.Run.State`."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE workflows_run SET state = %s, reason = %s, ended_at = {moment()}, due_at = NULL, awaits = ''"
            f" WHERE {in_values('id')} AND state = 'waiting'",
            [state, reason[:LONGEST_REASON], moment_writer()(now), values_parameter(run_ids)],
        )


def count_passed(counts: Mapping[tuple[int, str, str], tuple[int, int]]) -> None:
    """Add to how many passed and acted, by version, node and port."""
    rows = [
        {"version_id": version_id, "node": node, "port": port, "passed": passed, "acted": acted}
        for (version_id, node, port), (passed, acted) in sorted(counts.items())
        if passed
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
