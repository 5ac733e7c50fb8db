"""Contacts, the fields an administrator adds to them, the lists they subscribe to, and what they did."""

import re

from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from contacts.folding import Fold, fold

FIELD_KEY = re.compile(r"^[a-z][a-z0-9_]{0,62}$")
EVENT_TYPE = re.compile(r"^[a-z][a-z0-9_]{0,62}$")


class LowercaseEmailField(models.EmailField):
    """An email address, stored in lower case, so that uniqueness and look-ups ignore case."""

    def get_prep_value(self, value: object) -> object:
        prepared = super().get_prep_value(value)
        return prepared.strip().lower() or None if isinstance(prepared, str) else prepared


class ContactQuerySet(models.QuerySet["Contact"]):
    def search(self, text: str) -> "ContactQuerySet":
        """Contacts in whose name, email, phone or external id every word of ``text`` occurs, without regard to case."""
        contacts = self
        for word in text.split():
            contacts = contacts.filter(search__contains=fold(word))
        return contacts

    def known(self) -> "ContactQuerySet":
        return self.filter(models.Q(email__isnull=False) | models.Q(external_id__isnull=False))

    def on_list(self, list_id: int) -> "ContactQuerySet":
        subscribed = ListMembership.objects.current().filter(list_id=list_id)
        return self.filter(pk__in=subscribed.values("contact_id"))


class Contact(models.Model):
    """A person: known by email or external id, or anonymous with only a visitor key.

    Every write leaves rows in the change log, whichever way it is made: see `contacts.changes`.
    """

    class Newsletter(models.TextChoices):
        SUBSCRIBED = "subscribed", _("Subscribed")
        PENDING = "pending", _("Pending")
        UNSUBSCRIBED = "unsubscribed", _("Unsubscribed")
        NEVER = "never", _("Never subscribed")

    class EmailStatus(models.TextChoices):
        OK = "ok", _("OK")
        SOFT_BOUNCE = "soft_bounce", _("Soft bounce")
        BOUNCED = "bounced", _("Bounced")
        COMPLAINED = "complained", _("Complained")

    class Gender(models.TextChoices):
        FEMALE = "female", _("Female")
        MALE = "male", _("Male")
        OTHER = "other", _("Other")

    email = LowercaseEmailField(_("email"), null=True, blank=True, unique=True)
    external_id = models.CharField(_("external id"), max_length=255, null=True, blank=True, unique=True)
    visitor_key = models.CharField(_("visitor key"), max_length=64, null=True, blank=True, unique=True)
    first_name = models.CharField(_("first name"), max_length=150, blank=True)
    last_name = models.CharField(_("last name"), max_length=150, blank=True)
    phone = models.CharField(_("phone"), max_length=32, blank=True)
    date_of_birth = models.DateField(_("date of birth"), null=True, blank=True)
    gender = models.CharField(_("gender"), max_length=8, choices=Gender, blank=True)
    language = models.CharField(_("language"), max_length=2, blank=True)
    country = models.CharField(_("country"), max_length=2, blank=True)
    region = models.CharField(_("region"), max_length=100, blank=True)
    city = models.CharField(_("city"), max_length=100, blank=True)
    postal_code = models.CharField(_("postal code"), max_length=20, blank=True)
    time_zone = models.CharField(_("time zone"), max_length=64, blank=True)
    newsletter = models.CharField(
        _("newsletter"), max_length=16, choices=Newsletter, default=Newsletter.NEVER, db_default=Newsletter.NEVER
    )
    newsletter_at = models.DateTimeField(_("newsletter since"), null=True, blank=True)
    email_status = models.CharField(
        _("email status"), max_length=16, choices=EmailStatus, default=EmailStatus.OK, db_default=EmailStatus.OK
    )
    points = models.IntegerField(_("points"), default=0, db_default=0)
    first_seen_at = models.DateTimeField(_("first seen"), null=True, blank=True)
    last_seen_at = models.DateTimeField(_("last seen"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    updated_at = models.DateTimeField(_("updated"), default=timezone.now)
    custom = models.JSONField(_("custom fields"), default=dict, blank=True)

    # Kept up to date from purchases by `contacts.events`.
    purchases_count = models.PositiveIntegerField(_("purchases"), default=0, db_default=0, editable=False)
    purchases_total = models.DecimalField(
        _("purchases total"), max_digits=15, decimal_places=4, default=0, db_default=0, editable=False
    )
    purchases_average = models.DecimalField(
        _("purchases average"), max_digits=15, decimal_places=4, null=True, editable=False
    )
    first_purchase_at = models.DateTimeField(_("first purchase"), null=True, editable=False)
    last_purchase_at = models.DateTimeField(_("last purchase"), null=True, editable=False)

    search = models.GeneratedField(
        expression=Fold("first_name", "last_name", "email", "phone", "external_id"),
        output_field=models.TextField(),
        db_persist=True,
    )

    objects = ContactQuerySet.as_manager()

    class Meta:
        verbose_name = _("contact")
        verbose_name_plural = _("contacts")
        ordering = ["-id"]
        constraints = [
            # Emails compare without case because they are stored in lower case; this finds a write that does not.
            models.CheckConstraint(
                condition=models.Q(email__isnull=True) | models.Q(email=Lower("email")),
                name="contacts_email_is_lower_case",
            ),
        ]
        indexes = [
            models.Index(fields=["created_at", "id"], name="contacts_created"),
            models.Index(fields=["last_seen_at", "id"], name="contacts_last_seen"),
            models.Index(fields=["last_name", "first_name", "id"], name="contacts_name"),
            models.Index(fields=["purchases_total", "id"], name="contacts_total"),
            models.Index(fields=["last_purchase_at", "id"], name="contacts_last_purchase"),
        ]

    def __str__(self) -> str:
        return self.full_name or self.email or self.external_id or str(_("Anonymous visitor"))

    @property
    def full_name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()

    @property
    def is_anonymous(self) -> bool:
        return not self.email and not self.external_id


class Visitor(models.Model):
    """A further device of a contact: what comes with its visitor key belongs to the contact too.

    The first device's key stands on the contact itself. No key is both here and there (`contacts.visitors`).
    """

    key = models.CharField(_("visitor key"), max_length=64, unique=True)
    contact = models.ForeignKey(Contact, models.CASCADE, related_name="visitors")
    since = models.DateTimeField(_("since"))

    class Meta:
        verbose_name = _("visitor key of a contact")
        verbose_name_plural = _("visitor keys of contacts")
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.key


class ContactField(models.Model):
    """A custom field: what an administrator declared contacts to have besides the system fields.

    Values are kept in ``Contact.custom`` under ``key``, in the JSON type that belongs to ``type`` (`contacts.types`).
    The key and the type never change; a field that is no longer wanted is archived, and its values stay.
    """

    class Type(models.TextChoices):
        TEXT = "text", _("Text")
        LONG_TEXT = "long_text", _("Long text")
        INTEGER = "integer", _("Integer")
        DECIMAL = "decimal", _("Decimal")
        BOOLEAN = "boolean", _("Yes or no")
        DATE = "date", _("Date")
        DATETIME = "datetime", _("Date and time")
        EMAIL = "email", _("Email")
        PHONE = "phone", _("Phone")
        URL = "url", _("URL")
        CHOICE = "choice", _("One choice")
        CHOICES = "choices", _("Several choices")

    key = models.CharField(
        _("key"),
        max_length=63,
        unique=True,
        validators=[RegexValidator(FIELD_KEY, _("Use a-z, 0-9 and _, starting with a letter."))],
    )
    label = models.CharField(_("label"), max_length=100)
    type = models.CharField(_("type"), max_length=16, choices=Type)
    options = models.JSONField(_("options"), default=list, blank=True)
    help_text = models.CharField(_("help text"), max_length=255, blank=True)
    archived = models.BooleanField(_("archived"), default=False)
    created_at = models.DateTimeField(_("created"), default=timezone.now)

    class Meta:
        verbose_name = _("contact field")
        verbose_name_plural = _("contact fields")
        ordering = ["label", "id"]

    def __str__(self) -> str:
        return self.label

    @property
    def choices(self) -> list[tuple[str, str]]:
        """The options as pairs of stored value and label."""
        return [(option["value"], option["label"]) for option in self.options]


class ContactList(models.Model):
    """A list that contacts subscribe to."""

    name = models.CharField(_("name"), max_length=200)
    description = models.TextField(_("description"), blank=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now)

    class Meta:
        verbose_name = _("list")
        verbose_name_plural = _("lists")
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(
                Fold("name"), name="contacts_list_name", violation_error_message=_("There is a list of this name.")
            )
        ]

    def __str__(self) -> str:
        return self.name


class ListMembershipQuerySet(models.QuerySet["ListMembership"]):
    def current(self) -> "ListMembershipQuerySet":
        return self.filter(unsubscribed_at__isnull=True)


class ListMembership(models.Model):
    """A contact's subscription to a list. It stays when the contact unsubscribes, with the time of that."""

    list = models.ForeignKey(ContactList, models.CASCADE, related_name="memberships", db_index=False)
    contact = models.ForeignKey(Contact, models.CASCADE, related_name="list_memberships")
    subscribed_at = models.DateTimeField(_("subscribed"))
    unsubscribed_at = models.DateTimeField(_("unsubscribed"), null=True, blank=True)

    objects = ListMembershipQuerySet.as_manager()

    class Meta:
        verbose_name = _("list membership")
        verbose_name_plural = _("list memberships")
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["list", "contact"], name="contacts_one_membership_per_list")]
        indexes = [
            models.Index(fields=["list", "subscribed_at", "contact"], name="contacts_list_subscribed"),
            # Who is on a list now, without a look at the table.
            models.Index(
                fields=["list", "contact"],
                name="contacts_list_current",
                condition=models.Q(unsubscribed_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.contact_id} on {self.list_id}"


class Event(models.Model):
    """Something a contact did, at a time. Append-only; written by `contacts.events` alone.

    The contact carries no database constraint, which would nearly halve the speed of bulk writes on PostgreSQL;
    the one write path keeps the reference whole.
    """

    contact = models.ForeignKey(Contact, models.CASCADE, related_name="events", db_index=False, db_constraint=False)
    type = models.CharField(_("type"), max_length=63)
    occurred_at = models.DateTimeField(_("occurred"))
    received_at = models.DateTimeField(_("received"))
    value = models.DecimalField(_("value"), max_digits=15, decimal_places=4, null=True, blank=True)
    properties = models.JSONField(_("properties"), default=dict, blank=True)
    key = models.CharField(_("idempotency key"), max_length=255, null=True, blank=True, unique=True)

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["contact", "type", "occurred_at"], name="contacts_event_of_contact"),
            models.Index(fields=["type", "occurred_at", "contact", "value"], name="contacts_event_of_type"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.occurred_at:%Y-%m-%d %H:%M}"


class EventRemoval(models.Model):
    """Events from before a moment were removed, or are being removed: see `contacts.retention`.

    Their keys went with them, so that of an event from before the newest of these moments nobody can tell whether it
    was known.
    """

    before = models.DateTimeField(_("events from before"))
    begun_at = models.DateTimeField(_("begun"))
    removed = models.PositiveBigIntegerField(_("events removed"), default=0)

    class Meta:
        verbose_name = _("removal of events")
        verbose_name_plural = _("removals of events")
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"before {self.before:%Y-%m-%d %H:%M}"


class Change(models.Model):
    """One entry of the change log: this contact changed in this respect.

    ``key`` is ``contact`` (created or deleted), ``field:<key>``, ``event:<type>``, ``list:<id>``, ``import:<id>`` (came
    with it), ``segment:<id>`` (entered or left it) or ``evaluate:<segment id>`` (look at this contact again for this
    segment). Database triggers write the first five (`contacts.changes`); a reader takes rows away in the transaction
    that applies them.
    """

    contact_id = models.BigIntegerField()
    key = models.CharField(max_length=100)

    class Meta:
        verbose_name = _("change")
        verbose_name_plural = _("changes")
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.contact_id} {self.key}"


class Watched(models.Model):
    """Something that somebody wants to be told of when it happens to a contact: see `contacts.arrivals`."""

    key = models.CharField(max_length=100, primary_key=True)

    class Meta:
        verbose_name = _("watched key")
        verbose_name_plural = _("watched keys")

    def __str__(self) -> str:
        return self.key


class Arrival(models.Model):
    """Something watched that has happened to a contact and that nobody has taken in yet.

    ``event_id`` is set where an event is what happened. Database triggers write these rows (`contacts.arrivals`).
    """

    contact_id = models.BigIntegerField()
    key = models.CharField(max_length=100)
    event_id = models.BigIntegerField(null=True)

    class Meta:
        verbose_name = _("arrival")
        verbose_name_plural = _("arrivals")
        ordering = ["id"]
        indexes = [models.Index(fields=["contact_id", "id"], name="contacts_arrival_of_contact")]

    def __str__(self) -> str:
        return f"{self.contact_id} {self.key}"


# The models of exports and imports belong to this app; Django finds them here.
from contacts.exports.models import Export as Export  # noqa: E402
from contacts.exports.models import ExportDownload as ExportDownload  # noqa: E402
from contacts.exports.models import PropertySet as PropertySet  # noqa: E402
from contacts.imports.models import ContactImport as ContactImport  # noqa: E402
from contacts.imports.models import Import as Import  # noqa: E402
from contacts.imports.models import RefusedRow as RefusedRow  # noqa: E402
from contacts.imports.models import SavedMapping as SavedMapping  # noqa: E402
