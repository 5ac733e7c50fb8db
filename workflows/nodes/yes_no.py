"""What all conditions of workflows have in common: a definition that the compiler of segments reads, and two ports."""

from __future__ import annotations

import json
from collections.abc import Iterable

from django.db import connection
from django.utils.translation import gettext as _

from contacts.json_rows import in_values, values_parameter
from segments.compiler import Definition, depends_on, validate
from segments.faults import DefinitionError
from segments.models import Segment
from segments.statements import Kept, holds, kept_as
from workflows.nodes.base import NO, YES, Batch, CannotWork, Next, Node, NodeGroup, Outcome, Port, Settings

Definitions = dict[int, Definition]


def segments_of(definitions: Iterable[Definition]) -> set[int]:
    """The ids of the segments that definitions read."""
    keys = set().union(*(depends_on(definition) for definition in definitions))
    return {int(key.partition(":")[2]) for key in keys if key.startswith("segment:")}


def who_matches(batch: Batch, definitions: Definitions) -> set[tuple[int, int]]:
    """The pairs of a definition's number and a contact of the batch for whom it holds; one query for all of them.

    Raises `CannotWork` when something that a definition names is gone.
    """
    try:
        kept = {number: _kept(definition) for number, definition in definitions.items()}
    except DefinitionError as error:
        raise CannotWork(str(error)) from error
    _refuse_gone(set().union(*(one.reads for one in kept.values())))
    return holds(kept, batch.contact_ids, now=batch.now)


def _kept(definition: Definition) -> Kept:
    name = ("workflows", json.dumps(definition, sort_keys=True))
    return kept_as(name, lambda: validate(definition, kind=Segment.Kind.DYNAMIC_PLUS))


def _refuse_gone(segments: set[int]) -> None:
    """The members of a deleted segment are kept for a while, but nobody brings them up to date."""
    if segments and _live(segments) < len(segments):
        raise CannotWork(_("A segment that is asked about was deleted."))


def _live(segments: set[int]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT COUNT(*) FROM segments_segment WHERE deleted_at IS NULL AND {in_values('id')}",
            [values_parameter(segments)],
        )
        return int(cursor.fetchone()[0])


class YesNo(Node):
    """A node that asks something about contacts."""

    group = NodeGroup.CONDITION

    def definition(self, settings: Settings, *, workflow_id: int) -> Definition:
        """What is asked in a workflow, for the segments' compiler."""
        raise NotImplementedError

    def ports(self, settings: Settings) -> tuple[Port, ...]:
        return YES, NO

    def work(self, batch: Batch) -> Iterable[Outcome]:
        definition = self.definition(batch.settings, workflow_id=batch.version.workflow_id)
        matching = {contact_id for _number, contact_id in who_matches(batch, {0: definition})}
        yes = set(batch.runs_of(matching))
        yield Next(yes, YES.key)
        yield Next(set(batch.run_ids) - yes, NO.key)


def one_rule(rule: dict[str, object]) -> Definition:
    """The definition that consists of one condition."""
    return {"version": 1, "match": "all", "rules": [rule]}
