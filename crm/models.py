"""People who sign in, the keys of programs, and background work."""

from datetime import datetime

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.translation import gettext_lazy as _


class User(AbstractUser):
    """Somebody who signs in: marketing staff or an administrator."""


class JobQuerySet(models.QuerySet["Job"]):
    def in_progress(self) -> "JobQuerySet":
        return self.filter(state__in=[Job.State.QUEUED, Job.State.RUNNING])


class Job(models.Model):
    """A piece of background work with progress.

    ``kind`` names the function that does it (see `crm.jobs`), ``params`` are its arguments, and ``subject`` says
    what it is about, such as ``segment:7``, so that a page can show the job beside the thing.
    """

    class State(models.TextChoices):
        QUEUED = "queued", _("Queued")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")

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

    objects = JobQuerySet.as_manager()

    class Meta:
        verbose_name = _("job")
        verbose_name_plural = _("jobs")
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["state", "id"], name="crm_job_state"),
            models.Index(fields=["subject", "id"], name="crm_job_subject"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def is_over(self) -> bool:
        return self.state in {self.State.DONE, self.State.FAILED}

    @property
    def percent(self) -> int:
        """How far the work is, 0 to 100."""
        if self.state == self.State.DONE:
            return 100
        return min(99, 100 * self.done // self.total) if self.total else 0


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
