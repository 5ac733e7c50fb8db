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
from segments.compiler import MATCHES
from segments.explain import Explained, explain
from segments.models import Transition


class ExplainedShape(serializers.Serializer):
    words = serializers.CharField(help_text=gettext_lazy("The group or condition, as people read it."))
    met = serializers.BooleanField(
        allow_null=True, help_text=gettext_lazy("Null for what names something that was deleted.")
    )
    match = serializers.ChoiceField(
        choices=["all", "any", "none"], allow_null=True, help_text=gettext_lazy("Of a group.")
    )
    seen = serializers.CharField(allow_null=True, help_text=gettext_lazy("What a condition sees of the contact."))
    missing = serializers.CharField(help_text=gettext_lazy("What would have to be different; empty where it is met."))
    rules = serializers.SerializerMethodField()

    @extend_schema_field(lazy_serializer("segments.api.explaining.ExplainedShape")(many=True))
    def get_rules(self, explained: Any) -> Any:
        return explained["rules"]


class MoveShape(serializers.Serializer):
    kind = serializers.ChoiceField(choices=Transition.Kind.choices)
    at = serializers.DateTimeField()
    reason = serializers.CharField()


class ExplanationShape(serializers.Serializer):
    contact_id = serializers.IntegerField()
    is_member = serializers.BooleanField()
    entered_at = serializers.DateTimeField(allow_null=True)
    definition = ExplainedShape(allow_null=True, help_text=gettext_lazy("Null for a static segment."))
    moves = MoveShape(many=True, help_text=gettext_lazy("When it entered and left and why, the latest first."))
    has_earlier_moves = serializers.BooleanField()


class Member(Endpoint):
    scopes = {"GET": ApiKey.Scope.SEGMENTS_READ}

    @extend_schema(operation_id="segments_members_explain", tags=["Members"], responses=ExplanationShape)
    def get(self, request: Request, pk: int, contact: int) -> Response:
        """Why a contact is in a segment, or is not: each condition with what it sees, and the ledger."""
        about = get_object_or_404(Contact, pk=contact)
        explanation = explain(segment_of(pk), about, now=timezone.now())
        told = {
            "contact_id": about.pk,
            "is_member": explanation.is_member,
            "entered_at": explanation.since,
            "definition": _told(explanation.root) if explanation.root else None,
            "moves": [
                {"kind": move.transition.kind, "at": move.transition.at, "reason": move.reason}
                for move in explanation.moves
            ],
            "has_earlier_moves": explanation.has_earlier,
        }
        return Response(ExplanationShape(told).data)


def _told(explained: Explained) -> dict[str, Any]:
    return {
        "words": explained.words,
        "met": explained.met,
        "match": explained.match or None,
        "seen": explained.seen.value if explained.seen else None,
        "missing": explained.missing,
        "rules": [_told(rule) for rule in explained.rules],
    }
