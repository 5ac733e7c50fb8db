"""The content of emails, frozen when it is first used, and each email to one contact with what became of it."""

from datetime import datetime

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from contacts.models import Contact


class Content(models.Model):
    """What an email says, before it is filled with anybody's values. Never changed: another text is another row.

    ``digest`` is made of all the rest, so that the same content is there once. ``name`` is the campaign that events
    name, and ``source`` says where it is sent from, such as ``workflow:7:n3``.
    """

    class Kind(models.TextChoices):
        NEWSLETTER = "newsletter", _("Newsletter: only to subscribers")
        TRANSACTIONAL = "transactional", _("Transactional: what the contact asked for or must know")

    digest = models.CharField(max_length=64, unique=True, editable=False)
    name = models.CharField(_("name"), max_length=200)
    source = models.CharField(_("source"), max_length=100, blank=True)
    workflow = models.CharField(_("workflow"), max_length=200, blank=True)
    kind = models.CharField(_("kind"), max_length=16, choices=Kind, default=Kind.NEWSLETTER)
    subject = models.CharField(_("subject"), max_length=500)
    preheader = models.CharField(_("preheader"), max_length=500, blank=True)
    body = models.TextField(_("body"))
    sender_name = models.CharField(_("sender name"), max_length=200, blank=True)
    reply_to = models.EmailField(_("reply to"), blank=True)
    created_at = models.DateTimeField(_("created"))

    class Meta:
        verbose_name = _("content of emails")
        verbose_name_plural = _("contents of emails")
        ordering = ["-id"]
        default_permissions = ("view",)
        indexes = [models.Index(fields=["source"], name="campaigns_content_source")]

    def __str__(self) -> str:
        return self.name


class MessageQuerySet(models.QuerySet["Message"]):
    def due(self, *, now: datetime) -> "MessageQuerySet":
        """Those to send now, in their order."""
        return self.filter(state=Message.State.QUEUED, due_at__lte=now).order_by("priority", "due_at", "pk")

    def in_doubt(self) -> "MessageQuerySet":
        return self.filter(state=Message.State.IN_DOUBT)

    def sent_since(self, moment: datetime) -> "MessageQuerySet":
        """Those that were handed over after a moment, and those that may be while this is read."""
        return self.filter(Q(sent_at__gt=moment) | Q(state=Message.State.SENDING))


class Message(models.Model):
    """One email to one contact.

    ``key`` says why it is sent, such as ``run:5:2``, and is there once: whatever is done again, the email is not sent
    again. ``values`` are what the content is filled with besides the contact and the event. A row with a ``claim`` is
    in the hands of the worker that wrote it at ``claimed_at``; it is ``sending`` from just before it is handed over to
    the mail server until just after, so that one found in this state later is ``in_doubt``. ``recorded`` says whether
    the contact has the event of it.
    """

    class State(models.TextChoices):
        QUEUED = "queued", _("Queued")
        SENDING = "sending", _("Being sent")
        SENT = "sent", _("Sent")
        SKIPPED = "skipped", _("Skipped")
        FAILED = "failed", _("Failed")
        IN_DOUBT = "in_doubt", _("In doubt")

    class Reason(models.TextChoices):
        NONE = "", "–"
        NO_EMAIL = "no_email", _("The contact has no email address.")
        BOUNCED = "bounced", _("Emails to the address came back.")
        COMPLAINED = "complained", _("The contact marked an email as spam.")
        UNSUBSCRIBED = "unsubscribed", _("The contact does not subscribe to the newsletter.")
        CAPPED = "capped", _("The contact has received as many emails today as one may.")
        REFUSED = "refused", _("The mail server refused it for good.")
        GAVE_UP = "gave_up", _("The mail server put it off too often.")
        NOT_RENDERED = "not_rendered", _("The content cannot be filled with the contact's values.")
        LEFT = "left", _("It may have been sent; somebody decided to leave it.")

    content = models.ForeignKey(Content, models.PROTECT, related_name="messages")
    contact = models.ForeignKey(
        Contact, models.CASCADE, related_name="messages", db_index=False, db_constraint=False, verbose_name=_("contact")
    )
    key = models.CharField(_("key"), max_length=100, unique=True)
    to = models.EmailField(_("to"), blank=True)
    event_id = models.BigIntegerField(_("event"), null=True)
    values = models.JSONField(_("values"), default=dict, blank=True)
    state = models.CharField(_("state"), max_length=16, choices=State, default=State.QUEUED)
    reason = models.CharField(_("reason"), max_length=16, choices=Reason, blank=True)
    detail = models.TextField(_("detail"), blank=True)
    priority = models.PositiveSmallIntegerField(_("priority"), default=1)
    due_at = models.DateTimeField(_("due"))
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    claim = models.UUIDField(null=True, editable=False)
    claimed_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(_("created"))
    sent_at = models.DateTimeField(_("sent"), null=True)
    opened_at = models.DateTimeField(_("opened"), null=True)
    clicked_at = models.DateTimeField(_("clicked"), null=True)
    bounced_at = models.DateTimeField(_("bounced"), null=True)
    recorded = models.BooleanField(_("recorded as event"), default=False, editable=False)
    is_test = models.BooleanField(_("test"), default=False)

    objects = MessageQuerySet.as_manager()

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        ordering = ["-id"]
        default_permissions = ("view", "change")
        indexes = [
            models.Index(fields=["contact", "created_at"], name="campaigns_message_contact"),
            models.Index(
                fields=["priority", "due_at", "id"], name="campaigns_message_due", condition=Q(state="queued")
            ),
            models.Index(fields=["claimed_at"], name="campaigns_message_sending", condition=Q(state="sending")),
            models.Index(fields=["id"], name="campaigns_message_in_doubt", condition=Q(state="in_doubt")),
            models.Index(fields=["id"], name="campaigns_message_to_record", condition=Q(state="sent", recorded=False)),
            models.Index(fields=["sent_at"], name="campaigns_message_sent", condition=Q(sent_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.key
