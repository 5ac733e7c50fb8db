"""Taking in what happened: it lets contacts enter workflows, wakes runs that wait for it, and ends others.

There are three sources: arrivals (`contacts.arrivals`), the ledger of segments, and the clock.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

from django.core.cache import cache
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import F, Max, QuerySet
from django.utils.translation import gettext as _

from contacts import arrivals
from contacts.json_rows import in_values, moment_writer, rows_of, rows_parameter, values_parameter
from contacts.models import Arrival
from segments.editing import ANNOUNCED
from segments.models import Cause, Transition
from workflows.engine.claiming import hold_runs
from workflows.engine.frozen import Frozen, Listening, frozen, listening, occupied_versions, open_versions, segments_of
from workflows.engine.moving import end, moment
from workflows.engine.starting import Start, begin, begin_everybody
from workflows.graph import GraphNode
from workflows.models import Appointment, Cursor, Run, Workflow
from workflows.nodes import NODES
from workflows.nodes.base import Happening, Trigger

logger = logging.getLogger(__name__)

LEDGER = "workflows"
TRY_AGAIN = 300  # seconds after which everybody is let in again where that failed
MANY = 2_000  # happenings taken in at once


def take_in(*, now: datetime) -> int:
    """Take in everything that happened; returns how many happenings that were."""
    taken = 0
    while found := _take_ledger(now=now):
        taken += found
    while found := take_arrivals(now=now):
        taken += found
    return taken + take_clock(now=now)


def take_arrivals(*, now: datetime, contact_ids: Collection[int] | None = None, limit: int = MANY) -> int:
    """Take in some of the arrivals, of a few contacts or of all; returns how many that were.

    One that cannot be acted on does not keep the others waiting: it is logged and passed over.
    """
    arrived: list[arrivals.Happening] = []
    try:
        with transaction.atomic():
            arrived = arrivals.take(limit=limit, contact_ids=contact_ids)
            _act_on([_arrived(one, now=now) for one in arrived], now=now)
        return len(arrived)
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        if limit > 1:
            return sum(take_arrivals(now=now, contact_ids=contact_ids, limit=1) for _one in arrived)
        logger.exception("an arrival could not be acted on: %s", arrived)
        Arrival.objects.filter(pk__in=[one.id for one in arrived]).delete()
        return len(arrived)


def _arrived(one: arrivals.Happening, *, now: datetime) -> Happening:
    at = one.occurred_at or now
    return Happening(
        f"arrival:{one.id}", one.contact_id, one.key, at, one.event_id, one.type, one.value, one.properties
    )


def _take_ledger(*, now: datetime) -> int:
    """Take in the next transitions. The cursor moves in the same transaction, so that each is seen exactly once."""
    last = Transition.objects.aggregate(last=Max("pk"))["last"] or 0
    if not Cursor.objects.filter(consumer=LEDGER, position__lt=last).exists():
        return 0
    with transaction.atomic():
        cursor = Cursor.objects.select_for_update().get(consumer=LEDGER)
        upto = min(last, cursor.position + 10 * MANY)
        rows = list(_transitions(cursor.position, upto)[:MANY])
        if len(rows) == MANY:
            upto = rows[-1].pk
        silent = {row.pk for row in rows if row.cause == Cause.DEFINITION and row.detail != ANNOUNCED}
        _act_on([_moved(row) for row in rows], now=now, silent={f"transition:{pk}" for pk in silent})
        Cursor.objects.filter(pk=cursor.pk, position__lt=upto).update(position=upto)
    return len(rows) or 1


def _transitions(after: int, upto: int) -> QuerySet[Transition]:
    """Transitions of the segments that somebody listens to, in the order they happened."""
    listening = (open_versions() | occupied_versions()).values()
    segments = segments_of({key for version in listening for key in (*version.entry_keys, *version.inner_keys)})
    return Transition.objects.filter(pk__gt=after, pk__lte=upto, segment_id__in=segments).order_by("pk")


def _moved(transition: Transition) -> Happening:
    key = f"{transition.kind}:{transition.segment_id}"
    return Happening(f"transition:{transition.pk}", transition.contact_id, key, transition.at)


def take_clock(*, now: datetime) -> int:
    """Let everybody in whose time has come; returns how many runs began."""
    due = Appointment.objects.filter(
        due_at__lte=now,
        version__workflow__state=Workflow.State.ACTIVE,
        version__workflow__version=F("version"),
        version__workflow__deleted_at__isnull=True,
    )
    begun = 0
    for appointment in due.order_by("due_at", "pk"):
        failed = f"workflows.appointment.{appointment.pk}"
        if cache.get(failed):
            continue
        try:
            begun += _keep_appointment(appointment, now=now)
        except (OperationalError, InterfaceError):
            raise
        except Exception:
            logger.exception("nobody could be let into version %s at %s", appointment.version_id, appointment.node)
            cache.set(failed, True, TRY_AGAIN)
    return begun


def _keep_appointment(appointment: Appointment, *, now: datetime) -> int:
    """Let everybody in at an entry, in portions that are each there as a whole or not at all, and make the next
    appointment. After a crash the portions are gone through again, which starts nobody twice."""
    version = frozen([appointment.version_id])[appointment.version_id]
    node = version.graph.nodes[appointment.node]
    kind = NODES[node.type]
    if isinstance(kind, Trigger) and kind.makes_up and appointment.due_at < now - kind.makes_up:
        _make_next(appointment, node, now=now)
        return 0
    definition, at = (
        kind.lets_in(node.settings, at=appointment.due_at) if isinstance(kind, Trigger) else (None, appointment.due_at)
    )
    key = f"clock:{version.version_id}:{node.id}:{appointment.due_at.isoformat()}"
    begun, after = 0, 0
    while True:
        with transaction.atomic():
            number, last = begin_everybody(
                version, node.id, key=key, now=now, definition=definition, moment_of_definition=at, after=after
            )
        begun += number
        if last is None:
            break
        after = last
    _make_next(appointment, node, now=now)
    return begun


def _make_next(appointment: Appointment, node: GraphNode, *, now: datetime) -> None:
    """Of several times that were missed, one is enough, unless the trigger makes up for them."""
    kind = NODES[node.type]
    opens = None
    if isinstance(kind, Trigger):
        opens = kind.opens_at(node.settings, after=max(appointment.due_at, now - kind.makes_up))
    same = Appointment.objects.filter(pk=appointment.pk, due_at=appointment.due_at)
    if opens is None:
        same.delete()
    else:
        same.update(due_at=opens)


def _act_on(happenings: Sequence[Happening], *, now: datetime, silent: Collection[str] = ()) -> None:
    """Let happenings do what they do. Those that are ``silent`` end runs, and begin or wake none."""
    if not happenings:
        return
    listeners = listening()
    _hold_runs({happening.contact_id for happening in happenings if happening.key in listeners.inside})
    _end_runs(happenings, listeners, now=now)
    heard = [happening for happening in happenings if happening.id not in silent]
    _wake_runs([happening for happening in heard if happening.key in listeners.inside], now=now)
    begin(list(_starts(heard, listeners)), now=now)


def _hold_runs(contact_ids: Collection[int]) -> None:
    """Wait for the workers that have runs of these contacts in their hands: where these have come to then, they wait
    for what has happened, and nobody moves them before it has been told to them."""
    if contact_ids:
        hold_runs(in_values("contact_id"), [values_parameter(contact_ids)])


def _starts(happenings: Sequence[Happening], listeners: Listening) -> Iterator[Start]:
    for happening in happenings:
        for version, node, trigger in listeners.entries.get(happening.key, ()):
            fits = trigger is None or trigger.matches(node.settings, happening, workflow_id=version.workflow_id)
            if not fits or _is_older(happening, version):
                continue
            if trigger is None:
                yield Start(version, node.id, happening.contact_id, _key_without_trigger(happening))
            else:
                yield Start(
                    version,
                    node.id,
                    happening.contact_id,
                    f"{happening.id}:{node.id}",
                    happening.event_id,
                    happening.values,
                    alone=trigger.alone,
                )


def _key_without_trigger(happening: Happening) -> str:
    """A contact is new once, however often it changes; it can enter a segment again."""
    return "new" if happening.key in (arrivals.CREATED, arrivals.BECAME_KNOWN) else happening.id


def _is_older(happening: Happening, version: Frozen) -> bool:
    """Whether it happened before the version was in force."""
    kind, _separator, pk = happening.id.partition(":")
    if kind == "transition":
        return int(pk) <= version.ledger_from
    return happening.event_id is not None and happening.at < version.saved_at


WAITING = """
    SELECT h.place, r.id, r.version_id, r.node, r.visit, r.awaits FROM {happened} AS h
    JOIN workflows_run r ON r.contact_id = h.contact_id AND (r.awaits = h.key OR (r.awaits = '' AND NOT r.woken))
    WHERE r.state = 'waiting' AND r.arrived_at < h.at ORDER BY h.place, r.id
"""
WOKEN = {"run_id": "bigint", "visit": "bigint", "event_id": "bigint"}
HAPPENED = {"place": "bigint", "contact_id": "bigint", "key": "text", "at": "timestamptz"}


def _wake_runs(happenings: Sequence[Happening], *, now: datetime) -> None:
    """Make runs due that wait for one of these; of several, the first that fits counts."""
    woken: dict[int, dict[str, int | None]] = {}
    found = _waiting_for(happenings)
    versions = frozen({version_id for _place, _run_id, version_id, *_rest in found}) if found else {}
    for place, run_id, version_id, node_id, visit, awaits in found:
        if run_id not in woken and _wakes(happenings[place], versions[version_id], node_id, awaits):
            woken[run_id] = {"run_id": run_id, "visit": visit, "event_id": happenings[place].event_id}
    if not woken:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE workflows_run SET due_at = {moment()}, awaits = '', woken = true,"
            " event_id = COALESCE(w.event_id, workflows_run.event_id)"
            f" FROM {rows_of(WOKEN)} AS w WHERE workflows_run.id = w.run_id AND workflows_run.visit = w.visit"
            " AND workflows_run.state = 'waiting'",
            [moment_writer()(now), rows_parameter(woken.values())],
        )


def _wakes(happening: Happening, version: Frozen, node_id: str, awaits: str) -> bool:
    """Whether it is what runs on the node wait for: of a trigger, not everything with its key is. A run that has come
    to the node, and was not worked there yet, is going to wait for the first of its keys."""
    node = version.graph.nodes[node_id]
    kind = NODES[node.type]
    if not awaits and happening.key != min(kind.keys(node.settings), default=""):
        return False
    return not isinstance(kind, Trigger) or kind.matches(node.settings, happening, workflow_id=version.workflow_id)


def _waiting_for(happenings: Sequence[Happening]) -> list[tuple[int, int, int, str, int, str]]:
    if not happenings:
        return []
    written = moment_writer()
    rows = [
        {"place": place, "contact_id": one.contact_id, "key": one.key, "at": written(one.at)}
        for place, one in enumerate(happenings)
    ]
    with connection.cursor() as cursor:
        cursor.execute(WAITING.format(happened=rows_of(HAPPENED)), [rows_parameter(rows)])
        return list(cursor.fetchall())


def _end_runs(happenings: Sequence[Happening], listeners: Listening, *, now: datetime) -> None:
    """End the runs that have reached their goal, and those whose contact has left the segment of the workflow."""
    endings = listeners.endings
    by_key: dict[str, dict[int, datetime]] = defaultdict(dict)
    for happening in happenings:
        if happening.key in endings:
            by_key[happening.key][happening.contact_id] = happening.at
    for key, contacts in by_key.items():
        for version in endings[key]:
            _end_runs_of(version, key, contacts, now=now)


def _end_runs_of(version: Frozen, key: str, contacts: dict[int, datetime], *, now: datetime) -> None:
    runs = Run.objects.inside().real().filter(version_id=version.version_id, contact_id__in=list(contacts))
    began = list(runs.values_list("pk", "contact_id", "started_at"))
    if key == version.rules.goal_key:
        reached = [pk for pk, contact_id, at in began if version.rules.is_goal(contacts[contact_id], at)]
        end(reached, Run.State.GOAL, "", now=now)
    if key == f"left:{version.rules.exit_segment}":
        gone = [pk for pk, contact_id, at in began if at <= contacts[contact_id]]
        end(gone, Run.State.EXITED, _("Left the segment"), now=now)
