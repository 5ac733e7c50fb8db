"""Segments, who is in them, when and why contacts entered and left, and the runs that keep this right."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from contacts.folding import Fold, fold
from contacts.models import Contact, ContactQuerySet


class Cause(models.TextChoices):
    """Why a contact entered or left a segment."""

    EDIT = "edit", _("Contact edited")
    EVENT = "event", _("Event")
    LIST = "list", _("List subscription")
    SEGMENT = "segment", _("Another segment")
    TIME = "time", _("Time passed")
    DEFINITION = "definition", _("Definition changed")
    HAND = "hand", _("By hand")
    IMPORT = "import", _("Import")
    WORKFLOW = "workflow", _("Workflow")
    REFRESH = "refresh", _("Refresh")
    AUDIT = "audit", _("Repaired by audit")


class SegmentQuerySet(models.QuerySet["Segment"]):
    def live(self) -> "SegmentQuerySet":
        """Without the deleted ones."""
        return self.filter(deleted_at__isnull=True)

    def deleted(self) -> "SegmentQuerySet":
        return self.filter(deleted_at__isnull=False)

    def static(self) -> "SegmentQuerySet":
        return self.filter(kind=Segment.Kind.STATIC)

    def named(self, text: str) -> "SegmentQuerySet":
        """Those in whose name ``text`` occurs, without regard to case."""
        return self.annotate(folded_name=Fold("name")).filter(folded_name__contains=fold(text))

    def with_change(self, *, now: datetime) -> "SegmentQuerySet":
        """Each with ``change``: by how many contacts it grew in the last 7 days, today included."""
        since = timezone.localdate(now, timezone.get_default_timezone()) - timedelta(days=6)
        days = SegmentDay.objects.filter(segment=models.OuterRef("pk"), day__gte=since)
        grown = models.Sum(models.F("entered") - models.F("left"), output_field=models.BigIntegerField())
        change = days.order_by().values("segment").annotate(change=grown).values("change")
        return self.annotate(change=Coalesce(models.Subquery(change), 0))

    def defined(self) -> "SegmentQuerySet":
        """Those whose members follow from a definition."""
        return self.exclude(kind=Segment.Kind.STATIC)


class Segment(models.Model):
    """A set of contacts: chosen by hand (static), or whoever fulfils a definition (dynamic, dynamic plus).

    ``version`` counts the saved definitions; a refresh begun for an older one is dropped. ``stale`` says that the
    memberships need a full refresh; ``refresh_cause`` and ``refresh_detail`` are what the ledger shall name for it,
    where that is not the refresh itself. ``refresh_token`` marks the one that is under way and ``refresh_owner`` the
    process that does it. ``refreshed_at`` is the moment for which the memberships were last known to be right,
    ``swept_at`` how far time has been accounted for.
    """

    class Kind(models.TextChoices):
        STATIC = "static", _("Static")
        DYNAMIC = "dynamic", _("Dynamic")
        DYNAMIC_PLUS = "dynamic_plus", _("Dynamic Plus")

    class State(models.TextChoices):
        READY = "ready", _("Up to date")
        WAITING = "waiting", _("Waiting")
        REFRESHING = "refreshing", _("Refreshing")
        ERROR = "error", _("Error")

    name = models.CharField(_("name"), max_length=200)
    description = models.TextField(_("description"), blank=True)
    kind = models.CharField(_("type"), max_length=16, choices=Kind)
    definition = models.JSONField(_("definition"), null=True, blank=True)
    version = models.PositiveIntegerField(_("version"), default=1)
    is_test = models.BooleanField(
        _("test segment"), default=False, help_text=_("Its contacts receive what a workflow under test sends.")
    )
    size = models.PositiveBigIntegerField(_("contacts"), default=0)

    stale = models.BooleanField(default=False)
    refresh_cause = models.CharField(max_length=16, choices=Cause, blank=True)
    refresh_detail = models.CharField(max_length=200, blank=True)
    refresh_token = models.UUIDField(null=True, blank=True)
    refresh_started_at = models.DateTimeField(null=True, blank=True)
    refresh_owner = models.CharField(max_length=100, blank=True)
    refreshed_at = models.DateTimeField(_("last refreshed"), null=True, blank=True)
    swept_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(_("error"), blank=True)
    failed_at = models.DateTimeField(null=True, blank=True)

    created_at = models.DateTimeField(_("created"), default=timezone.now)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    updated_at = models.DateTimeField(_("updated"), default=timezone.now)
    updated_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    deleted_at = models.DateTimeField(_("deleted"), null=True, blank=True)
    deleted_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")

    objects = SegmentQuerySet.as_manager()

    class Meta:
        verbose_name = _("segment")
        verbose_name_plural = _("segments")
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(
                Fold("name"),
                name="segments_live_name",
                condition=models.Q(deleted_at__isnull=True),
                violation_error_message=_("There is a segment of this name."),
            ),
            models.CheckConstraint(
                condition=models.Q(kind="static", definition__isnull=True)
                | (~models.Q(kind="static") & models.Q(definition__isnull=False)),
                name="segments_definition_by_kind",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_static(self) -> bool:
        return self.kind == self.Kind.STATIC

    @property
    def conditions(self) -> dict[str, Any]:
        """The definition of a segment that has one. Raises ValueError for a static segment."""
        if self.definition is None:
            raise ValueError("a static segment has no definition")
        return dict(self.definition)

    @property
    def state(self) -> "Segment.State":
        """How far the memberships can be relied on at this moment."""
        if self.error:
            return self.State.ERROR
        if self.refresh_token:
            return self.State.REFRESHING
        return self.State.WAITING if self.stale else self.State.READY

    @property
    def members(self) -> ContactQuerySet:
        """The contacts in the segment."""
        return Contact.objects.filter(pk__in=Membership.objects.filter(segment=self).values("contact_id"))


class SegmentVersion(models.Model):
    """A definition of a segment as it was saved once, when and by whom. Append-only.

    ``restored_from`` is the number of the earlier version whose definition was taken back into use.
    """

    segment = models.ForeignKey(Segment, models.CASCADE, related_name="versions")
    version = models.PositiveIntegerField(_("version"))
    kind = models.CharField(_("type"), max_length=16, choices=Segment.Kind)
    definition = models.JSONField(_("definition"))
    saved_at = models.DateTimeField(_("saved"))
    saved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("saved by")
    )
    restored_from = models.PositiveIntegerField(_("restored from version"), null=True, blank=True)

    class Meta:
        verbose_name = _("version of a segment")
        verbose_name_plural = _("versions of segments")
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["segment", "version"], name="segments_one_row_per_version")]

    def __str__(self) -> str:
        return f"{self.segment_id} version {self.version}"


class Membership(models.Model):
    """A contact in a segment.

    There is no database constraint on either reference: on PostgreSQL a constraint more than doubles the cost of an
    insert. `segments.refresh` and `segments.membership` are the only writers, and the audit checks them.
    """

    pk = models.CompositePrimaryKey("segment_id", "contact_id")
    segment = models.ForeignKey(Segment, models.CASCADE, related_name="+", db_index=False, db_constraint=False)
    contact = models.ForeignKey(
        Contact, models.CASCADE, related_name="memberships", db_index=False, db_constraint=False
    )
    entered_at = models.DateTimeField(_("entered"))
    cause = models.CharField(_("cause"), max_length=16, choices=Cause)

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        indexes = [models.Index(fields=["contact", "segment"], name="segments_membership_contact")]

    def __str__(self) -> str:
        return f"{self.contact_id} in {self.segment_id}"


class Transition(models.Model):
    """One contact entered or left one segment: when and why. Append-only.

    ``detail`` narrows the cause down: the keys of the changes that were seen, such as ``field:country``, or the name of
    the user for what was done by hand.
    """

    class Kind(models.TextChoices):
        ENTERED = "entered", _("Entered")
        LEFT = "left", _("Left")

    segment = models.ForeignKey(Segment, models.CASCADE, related_name="+", db_index=False, db_constraint=False)
    contact = models.ForeignKey(
        Contact, models.CASCADE, related_name="transitions", db_index=False, db_constraint=False
    )
    kind = models.CharField(_("kind"), max_length=8, choices=Kind)
    at = models.DateTimeField(_("when"))
    cause = models.CharField(_("cause"), max_length=16, choices=Cause)
    detail = models.CharField(_("detail"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("transition")
        verbose_name_plural = _("transitions")
        ordering = ["-id"]
        indexes = [
            # A full refresh writes any number of rows of one moment; the id tells them apart when they are paged.
            models.Index(fields=["segment", "at", "id"], name="segments_transition_newest"),
            models.Index(fields=["contact", "at"], name="segments_transition_contact"),
        ]

    def __str__(self) -> str:
        return f"{self.contact_id} {self.kind} {self.segment_id}"


class SegmentDay(models.Model):
    """How many contacts entered and left a segment on one day of the account's time zone."""

    segment = models.ForeignKey(Segment, models.CASCADE, related_name="days")
    day = models.DateField(_("day"))
    entered = models.PositiveBigIntegerField(_("entered"), default=0)
    left = models.PositiveBigIntegerField(_("left"), default=0)

    class Meta:
        verbose_name = _("day of a segment")
        verbose_name_plural = _("days of segments")
        ordering = ["-day"]
        constraints = [models.UniqueConstraint(fields=["segment", "day"], name="segments_one_row_per_day")]
        indexes = [models.Index(fields=["day", "segment"], name="segments_day")]

    def __str__(self) -> str:
        return f"{self.segment_id} {self.day}"


class RefreshRun(models.Model):
    """One run that brought memberships up to date: why, when, how long, and what came of it.

    A full refresh and an audit are about one ``segment``; a run by change or by time may touch several, and then
    ``segment`` is null and ``segments`` says how many were evaluated.
    """

    class Kind(models.TextChoices):
        FULL = "full", _("Full refresh")
        CHANGES = "changes", _("Changes")
        TIME = "time", _("Time")
        AUDIT = "audit", _("Audit")

    kind = models.CharField(_("kind"), max_length=8, choices=Kind)
    cause = models.CharField(_("cause"), max_length=16, choices=Cause, blank=True)
    segment = models.ForeignKey(Segment, models.CASCADE, null=True, blank=True, related_name="runs")
    segments = models.PositiveIntegerField(_("segments"), default=1)
    started_at = models.DateTimeField(_("started"))
    milliseconds = models.PositiveBigIntegerField(_("duration (ms)"), default=0)
    examined = models.PositiveBigIntegerField(_("contacts examined"), null=True, blank=True)
    entered = models.PositiveBigIntegerField(_("entered"), default=0)
    left = models.PositiveBigIntegerField(_("left"), default=0)
    differences = models.PositiveBigIntegerField(_("differences"), default=0)
    error = models.TextField(_("error"), blank=True)

    class Meta:
        verbose_name = _("refresh run")
        verbose_name_plural = _("refresh runs")
        ordering = ["-id"]
        indexes = [models.Index(fields=["started_at"], name="segments_run_started")]

    def __str__(self) -> str:
        return f"{self.kind} {self.started_at:%Y-%m-%d %H:%M:%S}"


from segments.facebook.models import (  # noqa: E402  # they refer to segments, and belong to this app
    FacebookAudience,
    FacebookConnection,
    FacebookExport,
    FacebookMember,
)

__all__ = [
    "Cause",
    "FacebookAudience",
    "FacebookConnection",
    "FacebookExport",
    "FacebookMember",
    "Membership",
    "RefreshRun",
    "Segment",
    "SegmentDay",
    "SegmentVersion",
    "Transition",
]
