"""An export, who downloaded it, and sets of properties that are chosen again and again."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from crm.models import User


class ExportQuerySet(models.QuerySet["Export"]):
    def started(self) -> ExportQuerySet:
        """Without the drafts."""
        return self.filter(started_at__isnull=False)

    def seen_by(self, user: User) -> ExportQuerySet:
        """The user's own; everybody's for those who see who downloaded what."""
        return self if user.has_perm("contacts.view_exportdownload") else self.filter(user=user)

    def finished(self) -> ExportQuerySet:
        return self.filter(finished_at__isnull=False)


class Export(models.Model):
    """What somebody takes out as a file: chosen, written, downloaded, and removed when its time is over.

    ``type`` and ``format`` are keys of `contacts.exports.types` and `contacts.exports.formats`; ``options`` say which
    rows are meant and ``format_options`` how they are written, as the forms of both gave them; ``columns`` are the keys
    of the properties in their order. ``title`` says in words whose data it is, and stays when that is gone. ``moment``
    is the one for which the file holds. The row stays as a record when the file is removed.
    """

    class State(models.TextChoices):
        DRAFT = "draft", _("Draft")
        QUEUED = "queued", _("Waiting")
        RUNNING = "running", _("Running")
        READY = "ready", _("Ready")
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", _("Cancelled")
        REMOVED = "removed", _("File removed")

    type = models.CharField(_("type"), max_length=32)
    options = models.JSONField(_("rows"), default=dict, blank=True)
    columns = models.JSONField(_("properties"), default=list, blank=True)
    format = models.CharField(_("format"), max_length=32, default="csv")
    format_options = models.JSONField(_("options of the format"), default=dict, blank=True)
    title = models.CharField(_("title"), max_length=255, blank=True)
    job = models.ForeignKey("crm.Job", models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("job"))
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("user")
    )
    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    rows = models.PositiveBigIntegerField(_("number of rows"), default=0)
    size = models.PositiveBigIntegerField(_("size (bytes)"), default=0)
    note = models.CharField(_("note"), max_length=255, blank=True)
    created_at = models.DateTimeField(_("begun"))
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    moment = models.DateTimeField(_("as of"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    expires_at = models.DateTimeField(_("kept until"), null=True, blank=True)
    removed_at = models.DateTimeField(_("file removed"), null=True, blank=True)

    objects = ExportQuerySet.as_manager()

    class Meta:
        verbose_name = _("export")
        verbose_name_plural = _("exports")
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["user", "id"], name="contacts_export_of_user"),
            models.Index(fields=["expires_at"], name="contacts_export_expires"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def file(self) -> str:
        """The name of the file in the storage: one that tells nothing and that nobody guesses."""
        return f"exports/{self.key.hex}"

    @property
    def state(self) -> State:
        """How far it is; reads the job unless the export is finished."""
        if self.removed_at:
            return self.State.REMOVED
        if self.finished_at:
            return self.State.READY
        if not self.started_at:
            return self.State.DRAFT
        return self.State(self.job.state) if self.job and self.job.state in self.State else self.State.FAILED

    def is_downloadable(self, *, now: datetime) -> bool:
        """Whether there is a file that can still be had."""
        return self.state == self.State.READY and self.expires_at is not None and now < self.expires_at


class ExportDownload(models.Model):
    """Somebody got the file of an export. Append-only."""

    export = models.ForeignKey(Export, models.CASCADE, related_name="downloads", verbose_name=_("export"))
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name=_("user")
    )
    at = models.DateTimeField(_("when"))

    class Meta:
        verbose_name = _("download of an export")
        verbose_name_plural = _("downloads of exports")
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.export_id} {self.at:%Y-%m-%d %H:%M}"


class PropertySet(models.Model):
    """Properties for one type of export, in their order, saved under a name for everybody who exports."""

    type = models.CharField(_("type"), max_length=32)
    name = models.CharField(_("name"), max_length=100)
    columns = models.JSONField(_("properties"), default=list)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("saved by")
    )
    saved_at = models.DateTimeField(_("saved"))

    class Meta:
        verbose_name = _("set of properties")
        verbose_name_plural = _("sets of properties")
        ordering = ["name", "id"]
        constraints = [models.UniqueConstraint(fields=["type", "name"], name="contacts_property_set_name")]

    def __str__(self) -> str:
        return self.name
