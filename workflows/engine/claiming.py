"""Which runs are due, and taking hold of some of them for the transaction that works them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from contacts.json_rows import in_values, moment_writer, row_reader, values_parameter
from workflows.engine.frozen import Frozen
from workflows.engine.moving import moment
from workflows.models import Run
from workflows.nodes.base import Batch, Visit

GROUPS = """
    SELECT version_id, node FROM (
        SELECT v.id AS version_id, (
            SELECT r.node FROM workflows_run r
            WHERE r.version_id = v.id AND r.state = 'waiting' AND r.due_at <= {moment} ORDER BY r.due_at LIMIT 1
        ) AS node
        FROM workflows_version v JOIN workflows_workflow w ON w.id = v.workflow_id
        WHERE w.deleted_at IS NULL AND (w.state IN ('active', 'finished') OR v.is_test)
    ) due WHERE node IS NOT NULL ORDER BY version_id
"""


def due_groups(*, now: datetime) -> list[tuple[int, str]]:
    """Of each version with runs that are due, the node on which the one stands that has been due longest."""
    with connection.cursor() as cursor:
        cursor.execute(GROUPS.format(moment=moment()), [moment_writer()(now)])
        return list(cursor.fetchall())


def due_of(contact_ids: Collection[int], *, now: datetime) -> dict[tuple[int, str], list[int]]:
    """The due runs of some contacts, by version and node."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT r.version_id, r.node, r.id FROM workflows_run r"
            " JOIN workflows_version v ON v.id = r.version_id JOIN workflows_workflow w ON w.id = v.workflow_id"
            f" WHERE {in_values('r.contact_id')} AND r.state = 'waiting' AND r.due_at <= {moment()}"
            " AND w.deleted_at IS NULL AND (w.state IN ('active', 'finished') OR v.is_test) ORDER BY r.id",
            [values_parameter(contact_ids), moment_writer()(now)],
        )
        found: dict[tuple[int, str], list[int]] = {}
        for version_id, node, run_id in cursor.fetchall():
            found.setdefault((version_id, node), []).append(run_id)
        return found


# Asked for every node that a visitor's run comes to while a page waits: a queryset would take longer to compile.
CLAIM = """
    SELECT {columns} FROM workflows_run WHERE version_id = %s AND node = %s AND state = 'waiting' AND due_at <= {moment}
    {only} ORDER BY due_at LIMIT %s {lock}
"""
VISIT = (
    "id",
    "contact_id",
    "visit",
    "hops",
    "attempts",
    "started_at",
    "arrived_at",
    "event_id",
    "woken",
    "values",
)


def hold_runs(condition: str, params: Sequence[Any], *, lock: str = "NO KEY UPDATE") -> None:
    """Wait for the workers that have runs in their hands for which an SQL condition holds, and let none take them up
    before the caller's transaction ends. On SQLite every transaction is alone anyway."""
    if connection.features.has_select_for_update:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT COUNT(*) FROM (SELECT id FROM workflows_run"
                f" WHERE state = 'waiting' AND {condition} ORDER BY id FOR {lock}) AS held",
                params,
            )


def claim(
    frozen: Frozen, node_id: str, *, now: datetime, limit: int, only: Collection[int] | None = None
) -> Batch | None:
    """Due runs of a version on a node, held until the transaction ends; None when there are none, or others have them.

    ``only`` restricts it to some runs.
    """
    sql = CLAIM.format(
        columns=", ".join(f'"{name}"' for name in VISIT),
        moment=moment(),
        only="" if only is None else f"AND {in_values('id')}",
        lock="FOR NO KEY UPDATE SKIP LOCKED" if connection.features.has_select_for_update_skip_locked else "",
    )
    some = [] if only is None else [values_parameter(only)]
    read = row_reader(Run, *VISIT)
    with connection.cursor() as cursor:
        cursor.execute(sql, [frozen.version_id, node_id, moment_writer()(now), *some, limit])
        found = [Visit(*read(row)) for row in cursor.fetchall()]
    if not found:
        return None
    # A contact's second run comes with the next batch: what is done to a set is done once for each contact in it.
    first_runs = {visit.contact_id: visit for visit in sorted(found, reverse=True, key=_age)}
    visits = sorted(first_runs.values(), key=_age)
    return Batch(frozen.version, frozen.graph, frozen.graph.nodes[node_id], visits, now)


def _age(visit: Visit) -> int:
    return visit.run_id
