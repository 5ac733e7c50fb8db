"""What is to be done outside of the database, written down in the transaction of the step that decides it.

`workflows.deliveries` does it afterwards.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.core.cache import cache
from django.db import connection, transaction
from django_q.tasks import async_task

from contacts.json_rows import as_json, moment_writer, rows_of, rows_parameter
from workflows.nodes.base import Batch

WEBHOOK, NOTICE = "webhook", "notice"
TOLD = "workflows.deliver.queued"
COLUMNS = {"run_id": "bigint", "key": "text", "payload": "text"}


def wake_worker() -> None:
    """Let the worker deliver soon, unless it has been told already."""
    if cache.add(TOLD, True, timeout=60):
        async_task("workflows.tasks.deliver", task_name="deliver")


def queue(batch: Batch, kind: str, payloads: Mapping[int, Mapping[str, Any]]) -> None:
    """Write down what is to be delivered for runs of a batch, by run; in its transaction and in one statement."""
    rows = [
        {"run_id": visit.run_id, "key": visit.key, "payload": json.dumps(payloads[visit.run_id], ensure_ascii=False)}
        for visit in batch.visits
        if visit.run_id in payloads
    ]
    now = moment_writer()(batch.now)
    moment = "%s::timestamptz" if connection.vendor == "postgresql" else "%s"
    with connection.cursor() as cursor:
        # WHERE true: without it SQLite would read ON CONFLICT as the condition of a join.
        cursor.execute(
            "INSERT INTO workflows_delivery"
            " (run_id, node, kind, key, payload, state, due_at, attempts, error, created_at)"
            f" SELECT run_id, %s, %s, key, {as_json('payload')}, 'queued', {moment}, 0, '', {moment}"
            f" FROM {rows_of(COLUMNS)} AS new WHERE true ON CONFLICT (key) DO NOTHING",
            [batch.node.id, kind, now, now, rows_parameter(rows)],
        )
    transaction.on_commit(wake_worker, robust=True)
