"""Workflows, their frozen versions, the contacts that go through them, and what that leaves behind."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from contacts.folding import Fold, fold
from contacts.models import Contact
from segments.models import Segment


def empty_graph() -> dict[str, object]:
    """A canvas with nothing but its Start node."""
    return {"nodes": [{"id": "start", "type": "start", "x": 80, "y": 240, "settings": {}}], "edges": []}


class WorkflowQuerySet(models.QuerySet["Workflow"]):
    def live(self) -> WorkflowQuerySet:
        """Without the deleted ones."""
        return self.filter(deleted_at__isnull=True)

    def named(self, text: str) -> WorkflowQuerySet:
        """Those in whose name ``text`` occurs, without regard to case."""
        return self.annotate(folded_name=Fold("name")).filter(folded_name__contains=fold(text))

    def started_by_happenings(self) -> WorkflowQuerySet:
        """Those that contacts can enter now."""
        return self.live().filter(state=Workflow.State.ACTIVE)

    def working(self) -> WorkflowQuerySet:
        """Those in which contacts go on. In a finished one these are the contacts that were in it."""
        return self.filter(state__in=[Workflow.State.ACTIVE, Workflow.State.FINISHED])


class Workflow(models.Model):
    """What shall happen to contacts: a draft that is edited, and the version that is in force.

    ``draft_number`` counts the saves of the draft, so that of two editors none overwrites the other. ``version`` is
    the version that contacts enter.
    """

    class State(models.TextChoices):
        DRAFT = "draft", _("Draft")
        ACTIVE = "active", _("Active")
        PAUSED = "paused", _("Paused")
        FINISHED = "finished", _("Finished")

    name = models.CharField(_("name"), max_length=200)
    description = models.TextField(_("description"), blank=True)
    folder = models.CharField(_("folder"), max_length=100, blank=True)
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.DRAFT)
    draft = models.JSONField(_("draft"), default=empty_graph)
    draft_number = models.PositiveIntegerField(default=1)
    version = models.ForeignKey(
        "Version", models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("version in force")
    )
    test_segment = models.ForeignKey(
        Segment, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("test segment")
    )

    created_at = models.DateTimeField(_("created"), default=timezone.now)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    updated_at = models.DateTimeField(_("updated"), default=timezone.now)
    updated_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    deleted_at = models.DateTimeField(_("deleted"), null=True, blank=True)
    deleted_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")

    objects = WorkflowQuerySet.as_manager()

    class Meta:
        verbose_name = _("workflow")
        verbose_name_plural = _("workflows")
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(
                Fold("name"),
                name="workflows_live_name",
                condition=models.Q(deleted_at__isnull=True),
                violation_error_message=_("There is a workflow of this name."),
            )
        ]

    def __str__(self) -> str:
        return self.name


class Version(models.Model):
    """A graph as it was activated, or as it was tested: frozen, because contacts inside go on in it.

    ``ledger_from`` is the id of the last transition of segments that came before it.
    """

    workflow = models.ForeignKey(Workflow, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField(_("number"))
    graph = models.JSONField(_("graph"))
    is_test = models.BooleanField(_("test"), default=False)
    ledger_from = models.BigIntegerField(default=0)
    saved_at = models.DateTimeField(_("saved"))
    saved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("saved by")
    )

    class Meta:
        verbose_name = _("version of a workflow")
        verbose_name_plural = _("versions of workflows")
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["workflow", "number"], name="workflows_one_row_per_version")]

    def __str__(self) -> str:
        return f"{self.workflow_id} version {self.number}"


class RunQuerySet(models.QuerySet["Run"]):
    def inside(self) -> RunQuerySet:
        """Those that have not come to an end."""
        return self.filter(state=Run.State.WAITING)

    def real(self) -> RunQuerySet:
        """Those that were not begun to test a draft."""
        return self.filter(is_test=False)


class Run(models.Model):
    """One contact's way through one version of a workflow.

    While it is waiting it stands at ``node``, since ``arrived_at``, as its visit number ``visit``. It is worked once
    ``due_at`` has come, which is empty while it waits for something to happen: then ``awaits`` is the key of that
    (`contacts.arrivals`). ``event_id`` is the event that started it or woke it last, ``woken`` whether that was since
    it arrived. ``key`` says what started it: nothing starts the same run twice. ``hops`` counts visits since it last
    waited. ``values`` are those given with an API call.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("In the workflow")
        FINISHED = "finished", _("Finished")
        GOAL = "goal", _("Reached the goal")
        EXITED = "exited", _("Left early")
        FAILED = "failed", _("Failed")

    workflow = models.ForeignKey(Workflow, models.CASCADE, related_name="runs", db_index=False)
    version = models.ForeignKey(Version, models.CASCADE, related_name="runs", db_index=False)
    contact = models.ForeignKey(Contact, models.CASCADE, related_name="runs", db_index=False, db_constraint=False)
    key = models.CharField(_("started by"), max_length=120)
    is_test = models.BooleanField(_("test"), default=False)
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.WAITING)
    node = models.CharField(_("node"), max_length=40)
    visit = models.PositiveIntegerField(default=1)
    hops = models.PositiveIntegerField(default=0)
    arrived_at = models.DateTimeField(_("arrived"))
    due_at = models.DateTimeField(_("due"), null=True, blank=True)
    awaits = models.CharField(max_length=100, blank=True)
    woken = models.BooleanField(default=False)
    event_id = models.BigIntegerField(null=True, blank=True)
    values = models.JSONField(default=dict, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    started_at = models.DateTimeField(_("started"))
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)

    objects = RunQuerySet.as_manager()

    class Meta:
        verbose_name = _("run")
        verbose_name_plural = _("runs")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["workflow", "contact", "key"], name="workflows_nothing_starts_twice")
        ]
        indexes = [
            models.Index(
                fields=["version", "due_at", "node"], name="workflows_run_due", condition=models.Q(state="waiting")
            ),
            models.Index(
                fields=["contact", "awaits"], name="workflows_run_awaits", condition=models.Q(state="waiting")
            ),
            models.Index(fields=["contact", "started_at"], name="workflows_run_of_contact"),
            models.Index(fields=["workflow", "state", "ended_at"], name="workflows_run_ended"),
        ]

    def __str__(self) -> str:
        return f"{self.contact_id} in {self.workflow_id}"


class Step(models.Model):
    """One visit of a node that is over: when the run came and went, by which port, and what was done. Append-only.

    ``acted`` tells whether an action was carried out, which limits count.
    """

    run = models.ForeignKey(Run, models.CASCADE, related_name="steps", db_index=False, db_constraint=False)
    visit = models.PositiveIntegerField()
    node = models.CharField(_("node"), max_length=40)
    arrived_at = models.DateTimeField(_("came"))
    left_at = models.DateTimeField(_("went"))
    port = models.CharField(_("port"), max_length=40, blank=True)
    acted = models.BooleanField(default=False)
    detail = models.CharField(_("detail"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("step")
        verbose_name_plural = _("steps")
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["run", "visit"], name="workflows_one_row_per_visit")]

    def __str__(self) -> str:
        return f"{self.run_id}: {self.node}"


class Count(models.Model):
    """How many runs of a version left a node by a port, and how many of these visits carried out an action."""

    pk = models.CompositePrimaryKey("version_id", "node", "port")
    version = models.ForeignKey(Version, models.CASCADE, related_name="counts", db_index=False)
    node = models.CharField(_("node"), max_length=40)
    port = models.CharField(_("port"), max_length=40)
    passed = models.PositiveBigIntegerField(_("passed"), default=0)
    acted = models.PositiveBigIntegerField(default=0)

    class Meta:
        verbose_name = _("count of a node")
        verbose_name_plural = _("counts of nodes")

    def __str__(self) -> str:
        return f"{self.version_id}: {self.node} {self.port}"


class Cursor(models.Model):
    """How far a consumer has read the ledger of segments: the id of the last transition it has dealt with."""

    consumer = models.CharField(max_length=40, primary_key=True)
    position = models.BigIntegerField(default=0)

    class Meta:
        verbose_name = _("cursor")
        verbose_name_plural = _("cursors")

    def __str__(self) -> str:
        return f"{self.consumer} at {self.position}"


class Appointment(models.Model):
    """When an entry of a version lets contacts in by the clock next."""

    version = models.ForeignKey(Version, models.CASCADE, related_name="appointments")
    node = models.CharField(_("node"), max_length=40)
    due_at = models.DateTimeField(_("due"))

    class Meta:
        verbose_name = _("appointment")
        verbose_name_plural = _("appointments")
        constraints = [models.UniqueConstraint(fields=["version", "node"], name="workflows_one_appointment_per_entry")]
        indexes = [models.Index(fields=["due_at"], name="workflows_appointment_due")]

    def __str__(self) -> str:
        return f"{self.version_id}: {self.node} at {self.due_at:%Y-%m-%d %H:%M}"


class Delivery(models.Model):
    """Something to be done outside of the database for a run at a node, once: a webhook, a note to staff.

    ``key`` is unique for run, node and visit, and goes out with it, so that who receives it twice can tell.
    """

    class State(models.TextChoices):
        QUEUED = "queued", _("Queued")
        SENDING = "sending", _("Sending")
        SENT = "sent", _("Sent")
        FAILED = "failed", _("Failed")

    run = models.ForeignKey(Run, models.CASCADE, related_name="deliveries", db_constraint=False)
    node = models.CharField(_("node"), max_length=40)
    kind = models.CharField(_("kind"), max_length=40)
    key = models.CharField(_("idempotency key"), max_length=120, unique=True)
    payload = models.JSONField(_("payload"), default=dict)
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.QUEUED)
    due_at = models.DateTimeField(_("due"))
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    error = models.CharField(_("error"), max_length=500, blank=True)
    created_at = models.DateTimeField(_("created"))
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        ordering = ["-id"]
        indexes = [
            models.Index(
                fields=["due_at", "id"],
                name="workflows_delivery_due",
                condition=models.Q(state__in=["queued", "sending"]),
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"


class Incident(models.Model):
    """Something that went wrong for a run and that people decide about: try again, or leave it.

    It is about the run's node itself, or about what was to be delivered: then ``subject`` is its kind and id, such as
    ``delivery:7`` or ``message:9``.
    """

    run = models.ForeignKey(Run, models.CASCADE, related_name="incidents", db_constraint=False)
    node = models.CharField(_("node"), max_length=40)
    subject = models.CharField(max_length=80, blank=True)
    text = models.TextField(_("what went wrong"))
    at = models.DateTimeField(_("when"))
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)
    closed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        verbose_name = _("incident")
        verbose_name_plural = _("incidents")
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["run"], name="workflows_incident_open", condition=models.Q(closed_at__isnull=True))
        ]

    def __str__(self) -> str:
        return f"{self.run_id}: {self.node}"


# The models of the shop's site belong to this app; Django finds them here.
from workflows.site.models import WebContent as WebContent  # noqa: E402
from workflows.site.models import WebDesign as WebDesign  # noqa: E402
