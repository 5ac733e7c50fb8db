"""``/segment-templates``: definitions that many shops want, to begin with."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from crm.api.endpoint import Endpoint
from crm.models import ApiKey
from segments.api.shapes import Definition
from segments.gallery import TEMPLATES, Goal, ParametersForm, Template
from segments.models import Segment

VALUES = "The values that the template asks people for, with those that it begins with; null for one without."


class TemplateShape(serializers.Serializer[Any]):
    key = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField()
    goal = serializers.ChoiceField(choices=Goal.choices)
    kind = serializers.ChoiceField(choices=Segment.Kind.choices)
    values = serializers.DictField(child=serializers.CharField(allow_null=True), help_text=VALUES)
    definition = Definition(allow_null=True, help_text="With these values; null while one of them is missing.")


class Templates(Endpoint):
    scopes = {"GET": ApiKey.Scope.SEGMENTS_READ}

    @extend_schema(operation_id="segments_templates", tags=["Segments"], responses=TemplateShape(many=True))
    def get(self, request: Request) -> Response:
        """The segment templates, each with the definition that it begins with, to be changed and saved as a segment."""
        return Response(TemplateShape([_begun(template) for template in TEMPLATES], many=True).data)


def _begun(template: Template) -> dict[str, Any]:
    now = timezone.now()
    asked = ParametersForm(template=template, now=now)
    values = {name: asked.get_initial_for_field(field, name) for name, field in asked.fields.items()}
    filled = ParametersForm(values, template=template, now=now)
    return {
        "key": template.key,
        "name": template.name,
        "description": template.does,
        "goal": template.goal,
        "kind": template.kind,
        "values": values,
        "definition": filled.definition() if filled.is_valid() else None,
    }
