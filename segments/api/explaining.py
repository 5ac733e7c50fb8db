"""Why a contact is in a segment, or is not."""

from __future__ import annotations

from typing import Any

from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext_lazy
from drf_spectacular.helpers import lazy_serializer
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from contacts.models import Contact
from crm.api.endpoint import Endpoint
from crm.models import ApiKey
from segments.api.segments import segment_of
from segments.explain import Explained, explain
from segments.models import Cause, Transition


class HappenedShape(serializers.Serializer):
    at = serializers.DateTimeField()
    title = serializers.CharField()


class SeenShape(serializers.Serializer):
    value = serializers.CharField(help_text=gettext_lazy("What the condition compares, as people read it."))
    events = HappenedShape(source="happened", many=True, help_text=gettext_lazy("Events that it counts."))
    more_events = serializers.IntegerField(source="others", help_text=gettext_lazy("How many others there are."))


class ExplainedShape(serializers.Serializer):
    words = serializers.CharField(help_text=gettext_lazy("The group or condition, as people read it."))
    met = serializers.BooleanField(
        allow_null=True, help_text=gettext_lazy("Null for what names something that was deleted.")
    )
    missing = serializers.CharField(help_text=gettext_lazy("What would have to be different; empty where it is met."))
    match = serializers.CharField(help_text=gettext_lazy("`all`, `any` or `none` of a group; empty for a condition."))
    seen = SeenShape(allow_null=True, help_text=gettext_lazy("What a condition sees of the contact; null for a group."))
    rules = serializers.SerializerMethodField(help_text=gettext_lazy("What a group is made of."))

    @extend_schema_field(lazy_serializer("segments.api.explaining.ExplainedShape")(many=True))
    def get_rules(self, explained: Explained) -> list[Any]:
        return list(ExplainedShape(explained.rules, many=True).data)


class MoveShape(serializers.Serializer):
    kind = serializers.ChoiceField(source="transition.kind", choices=Transition.Kind.choices)
    at = serializers.DateTimeField(source="transition.at")
    cause = serializers.ChoiceField(source="transition.cause", choices=Cause.choices)
    reason = serializers.CharField(help_text=gettext_lazy("The cause in words, with what was seen."))


class ExplanationShape(serializers.Serializer):
    contact_id = serializers.IntegerField(source="contact.pk")
    is_member = serializers.BooleanField()
    is_behind = serializers.BooleanField(
        help_text=gettext_lazy("Whether the members do not say yet what the conditions say now.")
    )
    entered_at = serializers.DateTimeField(source="since", allow_null=True)
    definition = ExplainedShape(source="root", allow_null=True, help_text=gettext_lazy("Null for a static segment."))
    moves = MoveShape(many=True, help_text=gettext_lazy("When it entered and left and why, the latest first."))
    has_earlier_moves = serializers.BooleanField(source="has_earlier")


class Member(Endpoint):
    scopes = {"GET": ApiKey.Scope.SEGMENTS_READ}

    @extend_schema(operation_id="segments_members_explain", tags=["Members"], responses=ExplanationShape)
    def get(self, request: Request, pk: int, contact: int) -> Response:
        """Why a contact is in a segment, or is not: each condition with what it sees, and the ledger."""
        about = get_object_or_404(Contact.objects.defer("search"), pk=contact)
        return Response(ExplanationShape(explain(segment_of(pk), about, now=timezone.now())).data)
