"""The versions that are in force or have contacts inside, with their graphs, which are read once: they never change."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from django.db import connection
from django.db.models import Exists, F, OuterRef

from contacts.json_rows import in_values, values_parameter
from segments.statements import Kept, prepare
from workflows.graph import Graph, GraphNode, parse
from workflows.models import Cursor, Run, Version, Workflow
from workflows.nodes import NODES
from workflows.nodes.base import Trigger
from workflows.rules import Rules, rules_of

MOST_KEPT = 2_000
CHANGES = "changes of workflows"


@dataclass(frozen=True)
class Frozen:
    """A version's graph, and what can be said of it without looking at any contact."""

    version_id: int
    workflow_id: int
    is_test: bool
    saved_at: datetime
    ledger_from: int
    graph: Graph

    @property
    def version(self) -> Version:
        """The version as far as it is kept; what else there is of it is read when it is asked for."""
        return Version(pk=self.version_id, workflow_id=self.workflow_id, is_test=self.is_test)

    @cached_property
    def rules(self) -> Rules:
        return rules_of(self.graph)

    @cached_property
    def limitation(self) -> Kept | None:
        """Whom Start lets in, compiled; None when it is everybody. Raises `DefinitionError`."""
        return prepare(self.rules.limitation) if self.rules.limitation else None

    @cached_property
    def entries(self) -> list[tuple[GraphNode, Trigger]]:
        """The triggers right behind Start."""
        behind = self.graph.all_after(self.graph.start.id, "next") if self.graph.start else ()
        found = ((self.graph.nodes[node_id], NODES[self.graph.nodes[node_id].type]) for node_id in behind)
        return [(node, kind) for node, kind in found if isinstance(kind, Trigger)]

    @cached_property
    def begins_at_start(self) -> bool:
        """Whether contacts start by themselves, without a trigger."""
        return not self.entries

    @cached_property
    def entry_keys(self) -> dict[str, list[tuple[GraphNode, Trigger | None]]]:
        """What lets contacts in, by the key of the happening. Without a trigger that is to be new, or to enter the
        segment that Start asks for."""
        found: dict[str, list[tuple[GraphNode, Trigger | None]]] = {}
        for node, trigger in self.entries:
            for key in trigger.keys(node.settings):
                found.setdefault(key, []).append((node, trigger))
        if self.begins_at_start and self.graph.start and self.rules.which != "existing":
            keys = [f"entered:{self.rules.segment}"] if self.rules.segment else ["contact", "known"]
            for key in keys:
                found[key] = [(self.graph.start, None)]
        return found

    @cached_property
    def inner_keys(self) -> set[str]:
        """What runs inside wait for, or what ends them."""
        waiting = (node for node in self.graph.nodes.values() if node.id not in self._only_let_in)
        return {key for node in waiting for key in NODES[node.type].keys(node.settings)} | self.ending_keys

    @cached_property
    def _only_let_in(self) -> set[str]:
        """The entries at which no run ever waits."""
        come_to = {edge.end for edge in self.graph.edges if not self.graph.start or edge.start != self.graph.start.id}
        return {node.id for node, trigger in self.entries if not trigger.alone} - come_to

    @cached_property
    def ending_keys(self) -> set[str]:
        """What ends runs: the goal, and leaving the segment whose members alone stay."""
        left = f"left:{self.rules.exit_segment}" if self.rules.exit_segment else ""
        return {key for key in (self.rules.goal_key, left) if key}


Row = tuple[int, Any, int]  # id, moment as the database has it, and place in the ledger: what never is another's
_kept: dict[tuple[str, int], tuple[Row, Frozen]] = {}


def in_work(version_id: int) -> Frozen | None:
    """The version for whoever works with its graph, which never changes; read only when it is not kept. None when there
    is none any more."""
    kept = _kept.get((_database(), version_id))
    return kept[1] if kept else frozen([version_id]).get(version_id)


def frozen(version_ids: Iterable[int]) -> dict[int, Frozen]:
    """The versions of these ids that there are."""
    ids = list(version_ids)
    if not ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id, saved_at, ledger_from FROM workflows_version WHERE {in_values('id')}",
            [values_parameter(ids)],
        )
        return _frozen(cursor.fetchall())


def open_versions() -> dict[int, Frozen]:
    """The versions that contacts can enter now, by id: of each active workflow the one in force."""
    in_force = Workflow.objects.started_by_happenings().filter(version__isnull=False).order_by()
    return frozen(in_force.values_list("version", flat=True))


Entry = tuple[Frozen, GraphNode, Trigger | None]


@dataclass(frozen=True)
class Listening:
    """What happenings can do, by their keys: let contacts in at entries, and end runs of versions. ``inside`` are the
    keys that runs wait for or that end them."""

    entries: dict[str, list[Entry]]
    endings: dict[str, list[Frozen]]
    inside: set[str]


_listening: dict[tuple[str, int], Listening] = {}


def listening() -> Listening:
    """Read anew only when a workflow has changed: until then, contacts come into no other versions."""
    state = _database(), _changes_so_far()
    if state not in _listening:
        is_open = open_versions()
        found = Listening({}, {}, set())
        for version in is_open.values():
            for key, entries in version.entry_keys.items():
                found.entries.setdefault(key, []).extend((version, node, trigger) for node, trigger in entries)
        for version in (is_open | occupied_versions()).values():
            found.inside.update(version.inner_keys | {f"api:{version.workflow_id}"})
            for key in version.ending_keys:
                found.endings.setdefault(key, []).append(version)
        _listening.clear()
        _listening[state] = found
    return _listening[state]


def _changes_so_far() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT position FROM workflows_cursor WHERE consumer = %s", [CHANGES])
        row = cursor.fetchone()
    return int(row[0]) if row else 0


def note_change() -> None:
    """Let every process know that other versions are open now than before."""
    Cursor.objects.get_or_create(consumer=CHANGES)
    Cursor.objects.filter(consumer=CHANGES).update(position=F("position") + 1)


def forget() -> None:
    """Forget everything that is kept."""
    _kept.clear()
    _listening.clear()


def occupied_versions() -> dict[int, Frozen]:
    """The versions with contacts inside, by id."""
    inside = Run.objects.inside().filter(version=OuterRef("pk"))
    return frozen(Version.objects.filter(Exists(inside)).order_by().values_list("pk", flat=True))


def _database() -> str:
    return connection.vendor + str(connection.settings_dict["NAME"])


def _frozen(rows: Iterable[Row]) -> dict[int, Frozen]:
    database = _database()
    wanted = {row[0]: row for row in rows}
    found = {pk: one for pk, row in wanted.items() if (one := _as_kept(database, row))}
    if missing := wanted.keys() - found.keys():
        if len(_kept) > MOST_KEPT:
            _kept.clear()
        for version in Version.objects.filter(pk__in=missing):
            found[version.pk] = Frozen(
                version.pk,
                version.workflow_id,
                version.is_test,
                version.saved_at,
                version.ledger_from,
                parse(version.graph),
            )
            _kept[database, version.pk] = wanted[version.pk], found[version.pk]
    return {pk: found[pk] for pk in wanted if pk in found}


def _as_kept(database: str, row: Row) -> Frozen | None:
    kept = _kept.get((database, row[0]))
    return kept[1] if kept and kept[0] == row else None


def segments_of(keys: Iterable[str]) -> list[int]:
    """The ids of the segments that keys of happenings are about."""
    return sorted({int(key.partition(":")[2]) for key in keys if key.startswith(("entered:", "left:"))})
