"""Actions in tests: what they do for a batch, what they say of it, and how many statements that takes."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from threading import Barrier, Thread
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

from contacts.models import Contact
from tests.workflows.batches import RUN_OF, batch
from workflows.models import Workflow
from workflows.nodes import NODES
from workflows.nodes.base import Batch, Next, NodeContext


def contacts(*many: dict[str, Any]) -> list[int]:
    return [Contact.objects.create(**one).pk for one in many]


def acted(kind: str, settings: dict[str, Any], ids: Iterable[int], *, now: datetime, workflow: Workflow) -> set[int]:
    """The contacts for whom it was carried out. Every run is named once, and goes on."""
    of = batch(kind, settings, ids, now=now, workflow=workflow.pk)
    of.version.workflow = workflow
    return acted_of(of)


def acted_of(of: Batch) -> set[int]:
    outcomes = list(NODES[of.node.type].work(of))
    assert all(isinstance(one, Next) and one.port == "next" for one in outcomes)
    assert sorted(run for one in outcomes for run in one.runs) == of.run_ids
    return {run - RUN_OF for one in outcomes if isinstance(one, Next) and one.acted for run in one.runs}


def details(of: Batch) -> dict[int, str]:
    """What the path of each contact is going to say."""
    found: dict[int, str] = {}
    for outcome in NODES[of.node.type].work(of):
        assert isinstance(outcome, Next)
        for run in outcome.runs:
            found[run - RUN_OF] = outcome.detail if isinstance(outcome.detail, str) else outcome.detail[run]
    return found


def fault_fields(kind: str, settings: dict[str, Any], context: NodeContext | None = None) -> set[str]:
    return {field for field, _text in NODES[kind].faults(settings, context or NodeContext())}


def words(kind: str, settings: dict[str, Any]) -> str:
    return NODES[kind].describe(settings, NodeContext())


def same_number_of_statements(
    kind: str, settings: dict[str, Any], *, now: datetime, workflow: Workflow, made: Sequence[Contact] = ()
) -> None:
    made = made or Contact.objects.bulk_create(Contact() for _number in range(301))
    numbers = []
    # The first batch of all may have to freeze what it sends.
    for ids in ([made[0].pk], [made[1].pk], [one.pk for one in made[2:]]):
        of = batch(kind, settings, ids, now=now, workflow=workflow.pk)
        of.version.workflow = workflow
        with CaptureQueriesContext(connection) as queries:
            assert acted_of(of) == set(ids)
        numbers.append(len(queries))
    assert numbers[1] == numbers[2]


def together(functions: Sequence[Callable[[], Any]]) -> None:
    """Run functions at the same time, each with a database connection of its own; what fails there fails here."""
    barrier = Barrier(len(functions))
    failed: list[Exception] = []

    def one(function: Callable[[], Any]) -> None:
        try:
            barrier.wait()
            function()
        except Exception as error:
            failed.append(error)
        finally:
            connection.close()

    threads = [Thread(target=one, args=[function]) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
