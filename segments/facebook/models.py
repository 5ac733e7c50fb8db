"""The ad account, the audiences that segments fill there, who was sent to each of them, and the record of it."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from contacts.models import Contact


class FacebookConnection(models.Model):
    """The ad account that audiences are made in; there is one or none. The secrets are encrypted.

    ``account_id`` is the number alone, without ``act_`` before it.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    account_id = models.CharField(_("ad account"), max_length=32)
    account_name = models.CharField(_("name of the ad account"), max_length=255)
    access_token = models.TextField()
    app_secret = models.TextField(blank=True)
    connected_at = models.DateTimeField(_("connected"))
    connected_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name=_("connected by")
    )

    class Meta:
        verbose_name = _("Facebook connection")
        verbose_name_plural = _("Facebook connections")
        default_permissions = ("view", "change")
        constraints = [models.CheckConstraint(condition=Q(id=1), name="segments_one_facebook_connection")]

    def __str__(self) -> str:
        return self.account_name


class FacebookAudience(models.Model):
    """A custom audience that a segment fills. No other segment fills it: one would remove whom the other added.

    Its members are remembered (`FacebookMember`), so that who leaves can be removed there. By itself Muster
    adds and removes only while ``in_step`` is on and the segment is there; those without consent it removes in any
    case. ``compared_at`` is when it last looked whether there is something to do.
    """

    segment = models.ForeignKey(
        "segments.Segment", models.SET_NULL, null=True, related_name="facebook_audiences", verbose_name=_("segment")
    )
    account_id = models.CharField(_("ad account"), max_length=32)
    audience_id = models.CharField(_("audience"), max_length=32)
    name = models.CharField(_("name"), max_length=255)
    in_step = models.BooleanField(_("keep in step"), default=False)
    created_at = models.DateTimeField(_("created"))
    compared_at = models.DateTimeField(_("last compared"), null=True)

    class Meta:
        verbose_name = _("Facebook audience")
        verbose_name_plural = _("Facebook audiences")
        ordering = ["name", "id"]
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(
                fields=["audience_id"],
                name="segments_one_segment_per_facebook_audience",
                violation_error_message=_("Another segment fills this audience."),
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def subject(self) -> str:
        """What its jobs are about."""
        return f"facebook:{self.pk}"


class FacebookMember(models.Model):
    """Somebody who was sent to an audience, or is about to be, with the keys by which Facebook removes them again.

    ``email`` and ``phone`` are hashes. The row is written before the contact is sent and deleted once Facebook has
    removed them; it outlives the contact, whose reference is empty then. ``fingerprint`` is made of all that was sent,
    and ``contact_updated_at`` tells which state of the contact that was. ``sent_at`` is empty until Facebook has
    confirmed. A row without a fingerprint has only keys that somebody who stays is no longer known by.
    """

    audience = models.ForeignKey(FacebookAudience, models.CASCADE, related_name="members", db_index=False)
    contact = models.ForeignKey(
        Contact, models.SET_NULL, null=True, related_name="facebook_memberships", db_constraint=False
    )
    email = models.CharField(max_length=64, blank=True)
    phone = models.CharField(max_length=64, blank=True)
    external_id = models.CharField(max_length=255, blank=True)
    fingerprint = models.CharField(max_length=32, blank=True)
    contact_updated_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("member of a Facebook audience")
        verbose_name_plural = _("members of Facebook audiences")
        ordering = ["-id"]
        default_permissions = ("view",)
        constraints = [models.UniqueConstraint(fields=["audience", "contact"], name="segments_facebook_member_once")]
        indexes = [
            models.Index(fields=["audience", "phone"], name="segments_facebook_phone", condition=~Q(phone="")),
            models.Index(fields=["audience", "id"], name="segments_facebook_member_order"),
        ]

    def __str__(self) -> str:
        return f"{self.contact_id} in {self.audience_id}"


class FacebookExport(models.Model):
    """Contacts of a segment left the house: to an audience or as a file, when, by whom, how many. Never deleted.

    Names are kept as they were, for when the segment or the audience is gone. ``user`` is empty for what the schedule
    did. ``received`` counts what Facebook took in, of which it called ``invalid`` unusable.
    """

    class Kind(models.TextChoices):
        SEND = "send", _("Sent")
        STEP = "step", _("Kept in step")
        FILE = "file", _("File downloaded")

    kind = models.CharField(_("what"), max_length=8, choices=Kind)
    segment = models.ForeignKey("segments.Segment", models.SET_NULL, null=True, related_name="facebook_exports")
    segment_name = models.CharField(_("segment"), max_length=200, blank=True)
    audience = models.ForeignKey(FacebookAudience, models.SET_NULL, null=True, related_name="exports")
    audience_name = models.CharField(_("audience"), max_length=255, blank=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name=_("who")
    )
    job = models.ForeignKey("crm.Job", models.SET_NULL, null=True, related_name="+", verbose_name=_("job"))
    started_at = models.DateTimeField(_("started"))
    finished_at = models.DateTimeField(_("finished"), null=True)
    received = models.PositiveBigIntegerField(_("taken"), default=0)
    invalid = models.PositiveBigIntegerField(_("invalid"), default=0)
    removed = models.PositiveBigIntegerField(_("removed"), default=0)
    error = models.TextField(_("error"), blank=True)

    class Meta:
        verbose_name = _("export to Facebook")
        verbose_name_plural = _("exports to Facebook")
        ordering = ["-id"]
        default_permissions = ("view", "add")
        indexes = [
            models.Index(fields=["segment", "-id"], name="segments_facebook_of_segment"),
            models.Index(fields=["audience", "-id"], name="segments_facebook_of_audience"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.started_at:%Y-%m-%d %H:%M}"

    @property
    def taken(self) -> int:
        """How many Facebook could use."""
        return max(0, self.received - self.invalid)

    def finish(self, *, now: datetime, error: str = "") -> None:
        """Write down that it is over, and what went wrong."""
        type(self).objects.filter(pk=self.pk).update(finished_at=now, error=error)
