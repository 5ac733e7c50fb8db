"""Who may be sent to Facebook, and in what an audience differs from who should be in it, as sets in the database.

The members that are remembered are compared with who should be there now, instead of following what the ledger says
happened since: leaving the segment, unsubscribing, another address and deletion all count alike then, and nothing is
missed when old entries of the ledger are removed.
"""

from __future__ import annotations

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from contacts.models import Contact, ContactQuerySet
from segments.facebook.hashing import COLUMNS
from segments.models import FacebookAudience, FacebookMember, Membership, Segment

CONSENT = Q(newsletter=Contact.Newsletter.SUBSCRIBED) & ~Q(email_status=Contact.EmailStatus.COMPLAINED)
REACHABLE = Q(email__isnull=False) | Q(phone__startswith="+")
READ = {"id", *COLUMNS}


def sendable() -> ContactQuerySet:
    """The contacts who agreed, and by whom Facebook can find anybody.

    Agreed: subscribed to the newsletter, and no email was reported as spam. Found: by an email address, or by a phone
    number with the code of its country.
    """
    return Contact.objects.filter(CONSENT, REACHABLE)


def sendable_of(segment: Segment) -> ContactQuerySet:
    """The members of the segment who may be sent."""
    membership = Membership.objects.filter(segment=segment, contact=OuterRef("pk"))
    return sendable().filter(Exists(membership))


def _belonging(audience: FacebookAudience) -> ContactQuerySet:
    """Who belongs into the audience; all who may be sent, if no segment says who."""
    return sendable_of(audience.segment) if audience.segment and not audience.segment.deleted_at else sendable()


def gone(audience: FacebookAudience, *, only_without_consent: bool) -> QuerySet[FacebookMember]:
    """Whom to remove from the audience, each with ``phone_is_shared``: by this number somebody else is found who stays.

    Only who may no longer be sent, or also who left the segment.
    """
    staying = sendable() if only_without_consent else _belonging(audience)
    members = FacebookMember.objects.filter(audience=audience)
    of_the_phone = members.filter(phone=OuterRef("phone")).exclude(phone="").exclude(pk=OuterRef("pk"))
    return (
        members.filter(~Exists(staying.filter(pk=OuterRef("contact_id"))))
        .annotate(phone_is_shared=Exists(of_the_phone.filter(Exists(staying.filter(pk=OuterRef("contact_id"))))))
        .order_by("pk")
    )


def changed(audience: FacebookAudience) -> QuerySet[FacebookMember]:
    """Who was changed since they were sent, perhaps in nothing that was, with the contact."""
    return (
        FacebookMember.objects.filter(audience=audience, contact__isnull=False)
        .exclude(contact__updated_at=F("contact_updated_at"))
        .select_related("contact")
        .defer(*(f"contact__{field.name}" for field in Contact._meta.concrete_fields if field.name not in READ))
        .order_by("pk")
    )


def missing(audience: FacebookAudience) -> ContactQuerySet:
    """Whom to add to the audience: the members of its segment of whom Facebook has not confirmed that they are there.

    Nobody if the segment is deleted.
    """
    if audience.segment is None or audience.segment.deleted_at:
        return Contact.objects.none()
    there = FacebookMember.objects.filter(audience=audience, contact=OuterRef("pk"), sent_at__isnull=False)
    return sendable_of(audience.segment).filter(~Exists(there)).only(*COLUMNS).order_by("pk")


def differs(audience: FacebookAudience) -> bool:
    """Whether there is something to do so that the audience is in step, or so that nobody without consent is in it."""
    if gone(audience, only_without_consent=not audience.in_step).exists():
        return True
    return audience.in_step and (missing(audience).exists() or changed(audience).exists())
