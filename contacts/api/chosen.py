"""The contacts that a request is about, named by id, email or external id."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.request import Request

from contacts.models import Contact
from crm.api.bodies import Body, Id, Text, read
from crm.api.errors import refused

MOST = 1_000


class ChosenBody(Body):
    contacts = serializers.ListField(child=Id(), max_length=MOST, required=False)
    emails = serializers.ListField(child=Text(max_length=254), max_length=MOST, required=False)
    external_ids = serializers.ListField(child=Text(max_length=255), max_length=MOST, required=False)


class UnknownShape(serializers.Serializer):
    contacts = serializers.ListField(child=serializers.IntegerField())
    emails = serializers.ListField(child=serializers.CharField())
    external_ids = serializers.ListField(child=serializers.CharField())


class ChangedShape(serializers.Serializer):
    changed = serializers.IntegerField(help_text=_("How many contacts this made a difference for."))
    unknown = UnknownShape(help_text=_("What no contact has."))


@dataclass(frozen=True)
class Chosen:
    """The ``contacts`` that were found, and by which names nobody was."""

    contacts: QuerySet[Contact]
    unknown: dict[str, list[Any]]


def read_chosen(request: Request) -> Chosen:
    """The contacts that the body names; one query."""
    given = read(request, ChosenBody)
    ids = given.get("contacts", [])
    emails = [email.lower() for email in given.get("emails", [])]
    external_ids = given.get("external_ids", [])
    if not ids and not emails and not external_ids:
        raise refused("", _("Name at least one contact."))
    named = Contact.objects.filter(Q(pk__in=ids) | Q(email__in=emails) | Q(external_id__in=external_ids))
    found = list(named.values_list("pk", "email", "external_id"))
    known_ids, known_emails, known_external_ids = ({row[place] for row in found} for place in range(3))
    return Chosen(
        Contact.objects.filter(pk__in=known_ids),
        {
            "contacts": [pk for pk in ids if pk not in known_ids],
            "emails": [email for email in emails if email not in known_emails],
            "external_ids": [key for key in external_ids if key not in known_external_ids],
        },
    )
