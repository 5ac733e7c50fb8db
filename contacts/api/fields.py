"""``/fields``: the catalogue of what can be said of a contact."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from contacts.fields import Field, catalogue
from crm.api.endpoint import Endpoint
from crm.models import ApiKey


class ChoiceShape(serializers.Serializer):
    value = serializers.CharField()
    label = serializers.CharField()


class FieldShape(serializers.Serializer):
    key = serializers.CharField()
    label = serializers.CharField()
    type = serializers.CharField()
    group = serializers.CharField()
    custom = serializers.BooleanField()
    editable = serializers.BooleanField()
    always_set = serializers.BooleanField()
    help_text = serializers.CharField()
    choices = ChoiceShape(many=True)


class FieldsShape(serializers.Serializer):
    results = FieldShape(many=True)


class Fields(Endpoint):
    scopes = {"GET": ApiKey.Scope.FIELDS_READ}

    @extend_schema(operation_id="fields_list", tags=["Fields"], responses=FieldsShape)
    def get(self, request: Request) -> Response:
        """The fields in use, system and custom."""
        return Response({"results": [_told(field) for field in catalogue().fields()]})


def _told(field: Field) -> dict[str, Any]:
    return {
        "key": field.key,
        "label": str(field.label),
        "type": field.type.key,
        "group": str(field.group),
        "custom": field.is_custom,
        "editable": field.editable,
        "always_set": field.always_set,
        "help_text": field.help_text,
        "choices": [{"value": value, "label": str(label)} for value, label in field.choices()],
    }
