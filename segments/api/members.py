"""Who is in a segment, who enters and leaves a static one, and where a contact is."""

from __future__ import annotations

from collections.abc import Callable

from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from contacts.api.chosen import ChangedShape, ChosenBody, read_chosen
from contacts.models import Contact, ListMembership
from crm.api.bodies import read_query
from crm.api.endpoint import Endpoint
from crm.api.errors import refused
from crm.api.pages import PageQuery, page_of, page_shape
from crm.models import ApiKey
from segments.api.segments import segment_of
from segments.membership import add, remove
from segments.models import Cause, Membership, Segment

READ, WRITE = ApiKey.Scope.SEGMENTS_READ, ApiKey.Scope.SEGMENTS_WRITE
TAGS = ["Members"]


class MemberShape(serializers.ModelSerializer):
    contact_id = serializers.IntegerField()
    email = serializers.CharField(source="contact.email", allow_null=True)
    external_id = serializers.CharField(source="contact.external_id", allow_null=True)

    class Meta:
        model = Membership
        fields = ["contact_id", "email", "external_id", "entered_at", "cause"]


class ListOfContactShape(serializers.ModelSerializer):
    id = serializers.IntegerField(source="list_id")
    name = serializers.CharField(source="list.name")

    class Meta:
        model = ListMembership
        fields = ["id", "name", "subscribed_at"]


class SegmentOfContactShape(serializers.ModelSerializer):
    id = serializers.IntegerField(source="segment_id")
    name = serializers.CharField(source="segment.name")
    kind = serializers.ChoiceField(source="segment.kind", choices=Segment.Kind.choices)

    class Meta:
        model = Membership
        fields = ["id", "name", "kind", "entered_at", "cause"]


class MembershipsShape(serializers.Serializer):
    lists = ListOfContactShape(many=True)
    segments = SegmentOfContactShape(many=True)


class Members(Endpoint):
    scopes = {"GET": READ, "POST": WRITE}

    @extend_schema(
        operation_id="segments_members_list",
        tags=TAGS,
        parameters=[PageQuery],
        responses=page_shape("Members", MemberShape(many=True)),
    )
    def get(self, request: Request, pk: int) -> Response:
        """The members of a segment, page by page in the order of their ids."""
        query = read_query(request, PageQuery)
        members = Membership.objects.filter(segment=segment_of(pk)).select_related("contact")
        shown = members.only("entered_at", "cause", "contact__email", "contact__external_id")
        rows, following = page_of(shown, query, key="contact_id")
        return Response({"results": MemberShape(rows, many=True).data, "next": following})

    @extend_schema(operation_id="segments_members_add", tags=TAGS, request=ChosenBody, responses=ChangedShape)
    def post(self, request: Request, pk: int) -> Response:
        """Add contacts to a static segment."""
        return _move(request, pk, add)


class RemoveMembers(Endpoint):
    scopes = {"POST": WRITE}

    @extend_schema(operation_id="segments_members_remove", tags=TAGS, request=ChosenBody, responses=ChangedShape)
    def post(self, request: Request, pk: int) -> Response:
        """Remove contacts from a static segment."""
        return _move(request, pk, remove)


class MembershipsOfContact(Endpoint):
    scopes = {"GET": ApiKey.Scope.CONTACTS_READ}

    @extend_schema(operation_id="contacts_memberships", tags=["Contacts"], responses=MembershipsShape)
    def get(self, request: Request, pk: int) -> Response:
        """The lists that a contact subscribes to, and the segments it is in."""
        contact = get_object_or_404(Contact.objects.only("pk"), pk=pk)
        lists = ListMembership.objects.current().filter(contact=contact).select_related("list").order_by("list_id")
        segments = (
            Membership.objects.filter(contact=contact, segment__deleted_at__isnull=True)
            .select_related("segment")
            .order_by("segment_id")
        )
        return Response(MembershipsShape({"lists": lists, "segments": segments}).data)


def _move(request: Request, pk: int, move: Callable[..., int]) -> Response:
    segment = segment_of(pk)
    if not segment.is_static:
        raise refused("", _("Only a static segment is filled by hand."))
    chosen = read_chosen(request)
    by = _("API key %(key)s") % {"key": request.auth}
    changed = move(segment, chosen.contacts, now=timezone.now(), cause=Cause.HAND, detail=by)
    return Response({"changed": changed, "unknown": chosen.unknown})
