"""``/lists``: lists, and who subscribes to them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from contacts.api.chosen import ChangedShape, ChosenBody, read_chosen
from contacts.lists import delete_list, subscribe, unsubscribe, with_sizes
from contacts.models import Contact, ContactList
from crm.api.bodies import Body, Text, read, read_query
from crm.api.endpoint import Endpoint
from crm.api.errors import refused
from crm.api.pages import PageQuery, page_of, page_shape
from crm.models import ApiKey

READ, WRITE = ApiKey.Scope.LISTS_READ, ApiKey.Scope.LISTS_WRITE
TAGS = ["Lists"]


class ListBody(Body):
    name = Text(max_length=200)
    description = Text(required=False, allow_blank=True, max_length=10_000)


class ListShape(serializers.ModelSerializer):
    size = serializers.IntegerField()

    class Meta:
        model = ContactList
        fields = ["id", "name", "description", "size", "created_at"]


class Lists(Endpoint):
    scopes = {"GET": READ, "POST": WRITE}

    @extend_schema(
        operation_id="lists_list",
        tags=TAGS,
        parameters=[PageQuery],
        responses=page_shape("Lists", ListShape(many=True)),
    )
    def get(self, request: Request) -> Response:
        """Lists, page by page in the order of their ids."""
        query = read_query(request, PageQuery)
        rows, following = page_of(_lists(), query)
        return Response({"results": ListShape(rows, many=True).data, "next": following})

    @extend_schema(operation_id="lists_create", tags=TAGS, request=ListBody, responses={201: ListShape})
    def post(self, request: Request) -> Response:
        """Create a list."""
        contact_list = ContactList(created_at=timezone.now())
        return Response(_saved(contact_list, read(request, ListBody)), status=201)


class OneList(Endpoint):
    scopes = {"GET": READ, "PATCH": WRITE, "DELETE": WRITE}

    @extend_schema(operation_id="lists_retrieve", tags=TAGS, responses=ListShape)
    def get(self, request: Request, pk: int) -> Response:
        """One list."""
        return Response(ListShape(get_object_or_404(_lists(), pk=pk)).data)

    @extend_schema(operation_id="lists_update", tags=TAGS, request=ListBody, responses=ListShape)
    def patch(self, request: Request, pk: int) -> Response:
        """Change what is given of a list."""
        return Response(_saved(get_object_or_404(ContactList, pk=pk), read(request, ListBody, partial=True)))

    @extend_schema(operation_id="lists_delete", tags=TAGS, responses={204: OpenApiResponse(description="Deleted.")})
    def delete(self, request: Request, pk: int) -> Response:
        """Delete a list and its subscriptions. The contacts stay; segments with a rule on the list show an error."""
        delete_list(get_object_or_404(ContactList, pk=pk), now=timezone.now())
        return Response(status=204)


class Subscribe(Endpoint):
    scopes = {"POST": WRITE}

    @extend_schema(operation_id="lists_subscribe", tags=TAGS, request=ChosenBody, responses=ChangedShape)
    def post(self, request: Request, pk: int) -> Response:
        """Subscribe contacts to the list. Those who had unsubscribed are subscribed anew."""
        return _change(request, pk, subscribe)


class Unsubscribe(Endpoint):
    scopes = {"POST": WRITE}

    @extend_schema(operation_id="lists_unsubscribe", tags=TAGS, request=ChosenBody, responses=ChangedShape)
    def post(self, request: Request, pk: int) -> Response:
        """Unsubscribe contacts from the list. Their subscription stays on record."""
        return _change(request, pk, unsubscribe)


def _change(request: Request, pk: int, act: Callable[..., int]) -> Response:
    contact_list = get_object_or_404(ContactList, pk=pk)
    chosen = read_chosen(request)
    contacts: QuerySet[Contact] = chosen.contacts
    now: datetime = timezone.now()
    return Response({"changed": act(contact_list, contacts, now=now), "unknown": chosen.unknown})


def _lists() -> QuerySet[ContactList]:
    return with_sizes(ContactList.objects.all())


def _saved(contact_list: ContactList, values: dict[str, Any]) -> dict[str, Any]:
    for name, value in values.items():
        setattr(contact_list, name, value)
    try:
        with transaction.atomic():
            contact_list.save()
    except IntegrityError:
        raise refused("name", _("There is a list of this name."), status=409) from None
    told: dict[str, Any] = ListShape(_lists().get(pk=contact_list.pk)).data
    return told
