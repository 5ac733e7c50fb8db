"""What a node is, what it makes of the runs that stand on it, and the registry of all kinds of nodes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS
from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from contacts.models import Contact, ContactQuerySet
from crm.registry import Registry
from segments.context import Context
from workflows.graph import Graph, GraphNode

if TYPE_CHECKING:
    from workflows.models import Version

Settings = Mapping[str, Any]
Text = str | Promise


class NodeGroup(models.TextChoices):
    """The headings of the palette."""

    START = "start", _("Start")
    TRIGGER = "trigger", _("Triggers")
    CONDITION = "condition", _("Conditions")
    TIMING = "timing", _("Timing")
    ACTION = "action", _("Actions")


@dataclass(frozen=True)
class Port:
    """A way out of a node. ``kind`` is how the canvas draws it: ``next``, ``yes``, ``no`` or ``branch``."""

    key: str
    label: Text
    kind: str = "next"


NEXT = Port("next", _("Next"))
YES = Port("yes", _("Yes"), "yes")
NO = Port("no", _("No"), "no")


class CannotWork(Exception):
    """A node cannot do its work for anybody, such as with a segment that is gone; the text says why."""


@dataclass(frozen=True, slots=True)
class Visit:
    """A run that stands on the node: see `workflows.models.Run`. ``number`` counts the nodes it has visited."""

    run_id: int
    contact_id: int
    number: int
    hops: int
    attempts: int
    started_at: datetime
    arrived_at: datetime
    event_id: int | None
    woken: bool
    values: Mapping[str, Any]

    @property
    def key(self) -> str:
        """Names this visit for ever; what is done outside of the database on this visit carries it."""
        return f"run:{self.run_id}:{self.number}"


@dataclass(frozen=True)
class Batch:
    """Runs of one version that stand on one node and are due, to be worked as a set, in one transaction. Each is of
    another contact."""

    version: Version
    graph: Graph
    node: GraphNode
    visits: Sequence[Visit]
    now: datetime

    @property
    def settings(self) -> Settings:
        return self.node.settings

    @property
    def is_test(self) -> bool:
        return self.version.is_test

    @cached_property
    def run_ids(self) -> list[int]:
        return [visit.run_id for visit in self.visits]

    @cached_property
    def contact_ids(self) -> list[int]:
        """The ids of the contacts, each once, in order."""
        return sorted({visit.contact_id for visit in self.visits})

    @property
    def contacts(self) -> ContactQuerySet:
        """The contacts; at most as many as a batch has runs."""
        return Contact.objects.filter(pk__in=self.contact_ids)

    def runs_of(self, contact_ids: Collection[int]) -> list[int]:
        """The runs of the batch whose contact is one of these."""
        return [visit.run_id for visit in self.visits if visit.contact_id in contact_ids]

    def only(self, run_ids: Collection[int]) -> Batch:
        """The batch with these runs alone."""
        kept = [visit for visit in self.visits if visit.run_id in run_ids]
        return Batch(self.version, self.graph, self.node, kept, self.now)


@dataclass(frozen=True)
class Next:
    """These runs leave the node by a port. ``acted`` says that the node's action was carried out, ``detail`` what was
    done, in words: one text for all or a text for each run."""

    runs: Collection[int]
    port: str = NEXT.key
    detail: str | Mapping[int, str] = ""
    acted: bool = False


@dataclass(frozen=True)
class WaitUntil:
    """These runs stay on the node: until ``at`` (one moment, or one for each run), until the happening with the key
    ``awaits`` (see `contacts.arrivals`), or until the first of both."""

    runs: Collection[int]
    at: datetime | Mapping[int, datetime] | None = None
    awaits: str = ""


@dataclass(frozen=True)
class Stop:
    """The way of these runs ends here. ``state`` is a `workflows.models.Run.State`."""

    runs: Collection[int]
    reason: str = ""
    state: str = "exited"


@dataclass(frozen=True)
class Withdraw:
    """What let these runs in has not come about after all: they are as if they had never begun. Only for runs that
    still stand where they entered."""

    runs: Collection[int]


Outcome = Next | WaitUntil | Stop | Withdraw


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happened to a contact, which a trigger may be waiting for.

    ``key`` is that of an arrival, or ``entered:<segment>`` or ``left:<segment>``. ``id`` names it for ever. An event
    has its ``event_id``, ``type``, ``value`` and ``properties``.
    """

    id: str
    contact_id: int
    key: str
    at: datetime
    event_id: int | None = None
    type: str = ""
    value: Decimal | None = None
    properties: Mapping[str, Any] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)


class NodeContext:
    """What nodes may have to know while they are set up and described; everything is read once, when asked for."""

    def __init__(self, graph: Graph | None = None, *, workflow_id: int | None = None) -> None:
        self.graph = graph or Graph({}, ())
        self.workflow_id = workflow_id

    @cached_property
    def conditions(self) -> Context:
        """The catalogue of fields, the lists and the segments."""
        return Context()

    @cached_property
    def workflows(self) -> dict[int, str]:
        """The names of the workflows that are not deleted, by id."""
        from workflows.models import Workflow

        return dict(Workflow.objects.live().order_by("name", "id").values_list("id", "name"))

    @cached_property
    def emails(self) -> dict[str, str]:
        """The emails that workflows send: see `workflows.emails`."""
        from workflows.emails import emails_of

        return emails_of(self)

    @cached_property
    def staff(self) -> dict[int, str]:
        """The names of the people who can be told something by email, by id."""
        from workflows.notices import can_be_told

        return {user.pk: user.get_full_name() or user.get_username() for user in can_be_told()}


class NodeForm(forms.Form):
    """The settings of a node: what the panel shows, what is checked, and what is stored.

    It reads what the panel posted (``data``), or checks stored settings (`checked`). Stored are the cleaned values by
    field name, in JSON. A form with a different shape overrides `as_data` and `stored`. ``stays_here`` names settings
    that are nobody's business elsewhere, such as a secret, or that mean nothing there: exported files do not hold them.
    """

    use_required_attribute = False
    stays_here: tuple[str, ...] = ()

    def __init__(self, data: Any = None, *, settings: Settings, context: NodeContext, **options: Any) -> None:
        self.context = context
        self.settings = settings
        super().__init__(data, initial=self.as_data(settings), **options)

    @classmethod
    def checked(cls, settings: Settings, context: NodeContext) -> NodeForm:
        """The form over stored settings, ready to be asked whether they are valid."""
        return cls(cls.as_data(settings), settings=settings, context=context)

    @classmethod
    def as_data(cls, settings: Settings) -> dict[str, Any]:
        """The form's data for stored settings."""
        return dict(settings)

    def stored(self) -> dict[str, Any]:
        """The settings to store. Only for a valid form."""
        return {name: as_stored(value) for name, value in self.cleaned_data.items()}

    @property
    def is_being_edited(self) -> bool:
        """Whether what was posted asks for another form, such as one with one more row, and not to be saved."""
        return False


def as_stored(value: Any) -> Any:
    """A cleaned value of a form field as JSON holds it."""
    if isinstance(value, models.Model):
        return value.pk
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, list | tuple | set | models.QuerySet):
        return [as_stored(one) for one in value]
    return value


class Node:
    """A kind of node; ``key`` is stored and never changes. ``icon`` is the name of a lucide icon.

    ``waits`` says that a run on it may have to wait, so that a circle through it is no endless one. ``reaches_people``
    says that contacts notice it, so that it keeps to the workflow's hours. ``template`` is what the panel shows of the
    form, if that is not just its fields.
    """

    key: str
    label: Text
    help: Text = ""
    group: NodeGroup
    icon: str
    form: type[NodeForm] = NodeForm
    template: str = ""
    waits = False
    reaches_people = False

    def ports(self, settings: Settings) -> Sequence[Port]:
        """The ways out."""
        return (NEXT,)

    def describe(self, settings: Settings, context: NodeContext) -> str:
        """The settings in a few words, for the card."""
        return ""

    def faults(self, settings: Settings, context: NodeContext) -> list[tuple[str, str]]:
        """What is wrong with the settings: the name of the field, or nothing, and a text."""
        form = self.form.checked(settings, context)
        return [
            ("" if name == NON_FIELD_ERRORS else name, str(message))
            for name, messages in form.errors.items()
            for message in messages
        ]

    def segments(self, settings: Settings) -> set[int]:
        """The ids of the segments that it uses."""
        return set()

    def keys(self, settings: Settings) -> set[str]:
        """The keys of the happenings that runs on it can wait for."""
        return set()

    def work(self, batch: Batch) -> Iterable[Outcome]:
        """What becomes of the runs: each is named in one outcome. Raises `CannotWork`."""
        raise NotImplementedError


class Trigger(Node):
    """A node that lets a run pass when something happens to its contact.

    As an *entry*, right behind Start, it begins a run when that happens. Further down, runs wait there. ``alone`` says
    that, as an entry, it begins no run of a contact that has one standing on it. One that lets contacts in by the clock
    and missed several times does so once; with ``makes_up`` it does for each of these times that lies no longer back.
    """

    group = NodeGroup.TRIGGER
    waits = True
    alone = False
    makes_up = timedelta(0)

    def keys(self, settings: Settings) -> set[str]:
        """The keys of the happenings it listens to. One that has several waits for the first alone."""
        raise NotImplementedError

    def matches(self, settings: Settings, happening: Happening, *, workflow_id: int) -> bool:
        """Whether a happening with such a key is one that it waits for. The only place where this is decided.

        ``workflow_id`` is the workflow in which it waits, whose own nodes the settings may name.
        """
        return True

    def opens_at(self, settings: Settings, *, after: datetime) -> datetime | None:
        """When, as an entry, it lets contacts in by the clock next; None for one that only listens."""
        return None

    def lets_in(self, settings: Settings, *, at: datetime) -> tuple[dict[str, Any] | None, datetime]:
        """Whom it lets in by the clock then: a definition for the segments' compiler (None: everybody whom Start lets
        in), and the moment for which that is to be understood."""
        return None, at

    def work(self, batch: Batch) -> Iterable[Outcome]:
        passing = [visit.run_id for visit in batch.visits if visit.woken or batch.is_test]
        yield Next(passing)
        staying = [visit.run_id for visit in batch.visits if not (visit.woken or batch.is_test)]
        yield WaitUntil(staying, awaits=min(self.keys(batch.settings), default=""))


NODES: Registry[Node] = Registry("node")
