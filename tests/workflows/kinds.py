"""Kinds of nodes for tests of the engine, which knows none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from workflows.nodes.base import (
    NO,
    NODES,
    YES,
    Batch,
    CannotWork,
    Happening,
    Next,
    Node,
    NodeGroup,
    Outcome,
    Trigger,
    WaitUntil,
)


class Pass(Node):
    key, label, group, icon = "test_pass", "Pass", NodeGroup.ACTION, "circle"

    def work(self, batch: Batch) -> Iterable[Outcome]:
        yield Next(batch.run_ids, acted=True)


class Even(Node):
    key, label, group, icon = "test_even", "Even", NodeGroup.CONDITION, "circle"

    def ports(self, settings: Any) -> Any:
        return YES, NO

    def work(self, batch: Batch) -> Iterable[Outcome]:
        # Not the ids: these go on growing on PostgreSQL when what was written is taken back.
        named = batch.contacts.filter(email__regex="^p[0-9]*[02468]@").values_list("pk", flat=True)
        even = batch.runs_of(set(named))
        yield Next(even, YES.key)
        yield Next(set(batch.run_ids) - set(even), NO.key)


class Pause(Node):
    key, label, group, icon, waits = "test_pause", "Pause", NodeGroup.TIMING, "circle", True

    def work(self, batch: Batch) -> Iterable[Outcome]:
        over = {v.run_id: v.arrived_at + timedelta(hours=1) for v in batch.visits}
        yield Next([run_id for run_id, at in over.items() if at <= batch.now])
        waiting = {run_id: at for run_id, at in over.items() if at > batch.now}
        yield WaitUntil(list(waiting), at=waiting)


class Never(Node):
    """Claims to wait, and does not."""

    key, label, group, icon, waits = "test_never", "Never", NodeGroup.TIMING, "circle", True

    def work(self, batch: Batch) -> Iterable[Outcome]:
        yield Next(batch.run_ids)


class Buys(Trigger):
    key, label, icon = "test_buys", "Buys", "circle"

    def keys(self, settings: Any) -> set[str]:
        return {"event:purchase"}

    def matches(self, settings: Any, happening: Happening, *, workflow_id: int) -> bool:
        return happening.properties.get("category") == settings["category"]


class Moves(Trigger):
    key, label, icon = "test_moves", "Moves", "circle"

    def keys(self, settings: Any) -> set[str]:
        return {f"{settings['way']}:{settings['segment']}"}


class Poison(Node):
    key, label, group, icon = "test_poison", "Poison", NodeGroup.ACTION, "circle"

    def work(self, batch: Batch) -> Iterable[Outcome]:
        if batch.settings.get("all"):
            raise CannotWork("The segment is gone.")
        if set(batch.contact_ids) & set(batch.settings["contacts"]):
            raise ZeroDivisionError("no")
        yield Next(batch.run_ids)


@contextmanager
def registered() -> Iterator[None]:
    """The kinds of this module, for as long as it lasts."""
    kinds: list[Node] = [Pass(), Even(), Pause(), Never(), Buys(), Moves(), Poison()]
    for kind in kinds:
        NODES.add(kind)
    try:
        yield
    finally:
        for kind in kinds:
            del NODES._members[kind.key]
