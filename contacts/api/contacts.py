"""``/contacts``: finding, making, changing and deleting contacts."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from contacts.api.values import ContactShape, ContactValues, as_json, read_values
from contacts.deletion import delete_contacts
from contacts.editing import Taken, create_contact, update_contact, upsert_contact
from contacts.fields import Catalogue, catalogue
from contacts.forms import IDENTITIES
from contacts.models import Contact
from contacts.visitors import with_key
from crm.api.bodies import body_of, read_query
from crm.api.endpoint import Endpoint
from crm.api.errors import Problem, Refused, refused
from crm.api.pages import PageQuery, page_of, page_shape
from crm.models import ApiKey

READ, WRITE = ApiKey.Scope.CONTACTS_READ, ApiKey.Scope.CONTACTS_WRITE
TAGS = ["Contacts"]
PageOfContacts = page_shape("Contacts", ContactShape(many=True))


class ContactQuery(PageQuery):
    q = serializers.CharField(
        required=False,
        max_length=200,
        help_text=gettext_lazy("Words that occur in name, email, phone or external id."),
    )
    email = serializers.CharField(required=False, max_length=254)
    external_id = serializers.CharField(required=False, max_length=255)
    visitor_key = serializers.CharField(required=False, max_length=64)
    newsletter = serializers.ChoiceField(required=False, choices=Contact.Newsletter.choices)
    email_status = serializers.ChoiceField(required=False, choices=Contact.EmailStatus.choices)
    country = serializers.CharField(required=False, max_length=2, help_text=gettext_lazy("ISO 3166-1 alpha-2."))
    list = serializers.IntegerField(
        required=False, min_value=1, max_value=2**63 - 1, help_text=gettext_lazy("The id of a list they subscribe to.")
    )
    updated_since = serializers.DateTimeField(required=False)


def found(query: dict[str, Any]) -> QuerySet[Contact]:
    """The contacts that pass every filter of the query."""
    contacts = Contact.objects.all()
    if "q" in query:
        contacts = contacts.search(query["q"])
    if "list" in query:
        contacts = contacts.on_list(query["list"])
    if "email" in query:
        contacts = contacts.filter(email=query["email"].lower())
    if "updated_since" in query:
        contacts = contacts.filter(updated_at__gte=query["updated_since"])
    if "visitor_key" in query:
        contacts = contacts.filter(with_key(query["visitor_key"]))
    same = ("external_id", "newsletter", "email_status", "country")
    return contacts.filter(**{name: query[name] for name in same if name in query}).defer("search")


class Contacts(Endpoint):
    scopes = {"GET": READ, "POST": WRITE}

    @extend_schema(operation_id="contacts_list", tags=TAGS, parameters=[ContactQuery], responses=PageOfContacts)
    def get(self, request: Request) -> Response:
        """Contacts, page by page in the order of their ids."""
        query = read_query(request, ContactQuery)
        rows, following = page_of(found(query), query)
        fields = catalogue()
        return Response({"results": [as_json(contact, fields) for contact in rows], "next": following})

    @extend_schema(operation_id="contacts_create", tags=TAGS, request=ContactValues, responses={201: ContactShape})
    def post(self, request: Request) -> Response:
        """Create a contact, who needs an email, a phone number or an external id."""
        fields, values = _values(request)
        if not any(values.get(key) for key in IDENTITIES):
            raise _nobody()
        try:
            contact = create_contact(values, now=timezone.now())
        except Taken as taken:
            raise _taken(taken) from taken
        return Response(as_json(contact, fields), status=201)


class OneContact(Endpoint):
    scopes = {"GET": READ, "PATCH": WRITE, "DELETE": WRITE}

    @extend_schema(operation_id="contacts_retrieve", tags=TAGS, responses=ContactShape)
    def get(self, request: Request, pk: int) -> Response:
        """One contact."""
        return Response(as_json(get_object_or_404(Contact, pk=pk), catalogue()))

    @extend_schema(operation_id="contacts_update", tags=TAGS, request=ContactValues, responses=ContactShape)
    def patch(self, request: Request, pk: int) -> Response:
        """Change the fields that are given; null takes a value away."""
        contact = get_object_or_404(Contact, pk=pk)
        fields, values = _values(request)
        try:
            contact = update_contact(contact, values, now=timezone.now())
        except Taken as taken:
            raise _taken(taken) from taken
        except Contact.DoesNotExist:
            raise Http404 from None
        return Response(as_json(contact, fields))

    @extend_schema(operation_id="contacts_delete", tags=TAGS, responses={204: OpenApiResponse(description="Deleted.")})
    def delete(self, request: Request, pk: int) -> Response:
        """Delete a contact with everything that is kept about it."""
        get_object_or_404(Contact, pk=pk)
        delete_contacts(Contact.objects.filter(pk=pk), now=timezone.now())
        return Response(status=204)


class UpsertContact(Endpoint):
    scopes = {"POST": WRITE}

    @extend_schema(
        operation_id="contacts_upsert",
        tags=TAGS,
        request=ContactValues,
        responses={
            200: OpenApiResponse(ContactShape, description="The contact was there and has been changed."),
            201: OpenApiResponse(ContactShape, description="The contact is new."),
        },
    )
    def post(self, request: Request) -> Response:
        """Change the contact with this external id or, where nobody has it, this email; else create it."""
        fields, values = _values(request)
        if not any(values.get(key) for key in ("email", "external_id")):
            raise refused("", _("Give an email or an external id."))
        try:
            contact, is_new = upsert_contact(values, now=timezone.now())
        except Taken as taken:
            raise _taken(taken) from taken
        return Response(as_json(contact, fields), status=201 if is_new else 200)


def _values(request: Request) -> tuple[Catalogue, dict[str, Any]]:
    fields = catalogue()
    return fields, read_values(body_of(request), fields)


def _nobody() -> Refused:
    return refused("", _("Give an email, a phone number or an external id: else nobody can be reached."))


def _taken(taken: Taken) -> Refused:
    return Refused([Problem((taken.field,), str(taken))], status=409)
