"""People who sign in, the keys of programs, and background work."""

from datetime import datetime
from functools import cached_property

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.pace import Pace


class User(AbstractUser):
    """Somebody who signs in: marketing staff or an administrator."""


class JobQuerySet(models.QuerySet["Job"]):
    def in_progress(self) -> "JobQuerySet":
        return self.filter(state__in=[Job.State.QUEUED, Job.State.RUNNING])


class Job(models.Model):
    """A piece of background work with progress.

    ``kind`` names the function that does it (see `crm.jobs`), ``params`` are its arguments, and ``subject`` says
    what it is about, such as ``segment:7``, so that a page can show the job beside the thing.

    ``claim`` is new each time a worker takes the job up: who has another one no longer does it. ``worker`` says where
    that is, ``attempts`` how often it was taken up. ``queued_at`` is when the queue was handed the job; without it, it
    waits for a worker that is free. ``speed`` is in units a second. ``seen``: its user knows that it is over.
    """

    class State(models.TextChoices):
        QUEUED = "queued", _("Queued")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", _("Cancelled")

    kind = models.CharField(_("kind"), max_length=64)
    title = models.CharField(_("title"), max_length=255)
    subject = models.CharField(_("subject"), max_length=64, blank=True)
    state = models.CharField(_("state"), max_length=16, choices=State, default=State.QUEUED)
    done = models.PositiveBigIntegerField(_("done"), default=0)
    total = models.PositiveBigIntegerField(_("total"), default=0)
    message = models.CharField(_("message"), max_length=255, blank=True)
    error = models.TextField(_("error"), blank=True)
    params = models.JSONField(_("parameters"), default=dict, blank=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("user")
    )
    created_at = models.DateTimeField(_("created"))
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    claim = models.UUIDField(null=True, editable=False)
    worker = models.CharField(_("worker"), max_length=100, blank=True)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    queued_at = models.DateTimeField(null=True, editable=False)
    cancel_requested_at = models.DateTimeField(_("cancelling asked for"), null=True, blank=True)
    speed = models.FloatField(_("speed"), null=True, blank=True)
    seen = models.BooleanField(default=False, editable=False)

    objects = JobQuerySet.as_manager()

    class Meta:
        verbose_name = _("job")
        verbose_name_plural = _("jobs")
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["state", "id"], name="crm_job_state"),
            models.Index(fields=["subject", "id"], name="crm_job_subject"),
            models.Index(fields=["user", "id"], name="crm_job_user"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def is_over(self) -> bool:
        return self.state in {self.State.DONE, self.State.FAILED, self.State.CANCELLED}

    @property
    def is_being_cancelled(self) -> bool:
        """Whether somebody asked to cancel it while its function has not noticed yet."""
        return self.state == self.State.RUNNING and self.cancel_requested_at is not None

    @property
    def percent(self) -> int:
        """How far the work is, 0 to 100."""
        if self.state == self.State.DONE:
            return 100
        return min(99, 100 * self.done // self.total) if self.total else 0

    @property
    def seconds_left(self) -> int | None:
        """How long it will take if it goes on as fast as lately; None when that cannot be told."""
        if self.state != self.State.RUNNING or not self.speed or self.done >= self.total:
            return None
        return round((self.total - self.done) / self.speed)

    @cached_property
    def pace(self) -> Pace:
        """Measures the speed in the process that does the job."""
        return Pace()


class JobLine(models.Model):
    """A line of a job's log."""

    job = models.ForeignKey(Job, models.CASCADE, related_name="lines", verbose_name=_("job"))
    at = models.DateTimeField(_("at"))
    text = models.TextField(_("text"))

    class Meta:
        verbose_name = _("line of a job's log")
        verbose_name_plural = _("lines of jobs' logs")
        ordering = ["id"]

    def __str__(self) -> str:
        return self.text


class ApiKey(models.Model):
    """What a program shows to use the API, and what it may do there.

    The key itself is known to the program alone: kept are ``prefix``, its beginning, by which people tell keys apart,
    and ``digest``, by which it is found. See `crm.api_keys`.
    """

    class Scope(models.TextChoices):
        CONTACTS_READ = "contacts:read", _("Read contacts")
        CONTACTS_WRITE = "contacts:write", _("Create, change and delete contacts")
        EVENTS_WRITE = "events:write", _("Send events")
        LISTS_READ = "lists:read", _("Read lists")
        LISTS_WRITE = "lists:write", _("Change lists and who subscribes to them")
        SEGMENTS_READ = "segments:read", _("Read segments and their members")
        SEGMENTS_WRITE = "segments:write", _("Change segments and the members of static ones")
        FIELDS_READ = "fields:read", _("Read which fields contacts have")
        WORKFLOWS_READ = "workflows:read", _("Read which workflows there are")
        WORKFLOWS_START = "workflows:start", _("Let contacts into workflows that start with an API call")

    name = models.CharField(_("name"), max_length=100)
    prefix = models.CharField(_("beginning"), max_length=16)
    digest = models.CharField(max_length=64, unique=True)
    scopes = models.JSONField(_("scopes"), default=list)
    created_at = models.DateTimeField(_("created"))
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name=_("created by")
    )
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.name

    def is_usable(self, *, now: datetime) -> bool:
        """Whether the API accepts the key at this moment."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)

    @property
    def scope_labels(self) -> list[str]:
        """What the key may do, in words."""
        return [str(self.Scope(scope).label) for scope in self.scopes]
