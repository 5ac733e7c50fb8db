"""Segments as JSON, and what is said about definitions that cannot be used."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import IntegrityError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from contacts.models import Contact
from crm.api.bodies import Body, Text, YesNo
from crm.api.errors import Problem, Refused, refused
from segments.faults import DefinitionError
from segments.kinds import OFFERED
from segments.models import Segment
from segments.versions import token_of


@extend_schema_field(
    {
        "type": "object",
        "description": "The conditions: `version` 1, `match` and `rules`. See the documentation of segments.",
        "additionalProperties": {},
        "example": {
            "version": 1,
            "match": "all",
            "rules": [{"type": "field", "field": "country", "operator": "is", "value": "ES"}],
        },
    }
)
class Definition(serializers.JSONField):
    """Checked by the compiler alone, which names every fault by its path."""


class SegmentBody(Body):
    name = Text(max_length=200)
    description = Text(required=False, allow_blank=True, max_length=2000)
    is_test = YesNo(required=False)
    definition = Definition(required=False, help_text=gettext_lazy("None for a static segment."))


class NewSegmentBody(SegmentBody):
    kind = serializers.ChoiceField(choices=[key.value for key in OFFERED])


class ChangedSegmentBody(SegmentBody):
    revision = Text(
        required=False,
        help_text=gettext_lazy("As it was read: then the change is refused when somebody saved the segment since."),
    )
    announce = YesNo(
        required=False,
        help_text=gettext_lazy("Start workflows for contacts that enter or leave by another definition, too."),
    )


EXACT = gettext_lazy("Count exactly, however many contacts there are. Without it, many are estimated.")


class DefinitionBody(Body):
    kind = serializers.ChoiceField(choices=[key.value for key in OFFERED if key != Segment.Kind.STATIC])
    definition = Definition()


class PreviewBody(DefinitionBody):
    exact = YesNo(required=False, help_text=EXACT)


class EditedDefinitionBody(Body):
    definition = Definition(required=False, help_text=gettext_lazy("Without it, the one that is saved."))
    exact = YesNo(required=False, help_text=EXACT)


class SegmentShape(serializers.ModelSerializer):
    definition = Definition(allow_null=True)
    revision = serializers.SerializerMethodField()
    state = serializers.ChoiceField(choices=Segment.State.choices)

    class Meta:
        model = Segment
        fields = [
            *("id", "name", "description", "kind", "is_test", "definition", "version", "revision"),
            *("size", "state", "error", "created_at", "updated_at", "refreshed_at"),
        ]

    def get_revision(self, segment: Segment) -> str:
        return token_of(segment)


class PersonShape(serializers.ModelSerializer):
    class Meta:
        model = Contact
        fields = ["id", "email", "external_id"]


class SentenceShape(serializers.Serializer):
    sentence = serializers.CharField()


class PartCountShape(serializers.Serializer):
    words = serializers.CharField()
    count = serializers.IntegerField(help_text=gettext_lazy("How many contacts it holds for."))
    left = serializers.IntegerField(
        allow_null=True, help_text=gettext_lazy("How many hold for it and for all before it, where all must hold.")
    )


class PreviewShape(SentenceShape):
    count = serializers.IntegerField(help_text=gettext_lazy("How many contacts match."))
    total = serializers.IntegerField(help_text=gettext_lazy("How many contacts there are."))
    entering = serializers.IntegerField(help_text=gettext_lazy("How many of those who match are no members now."))
    leaving = serializers.IntegerField(help_text=gettext_lazy("How many members do not match."))
    sample = PersonShape(many=True)
    is_estimate = serializers.BooleanField(
        help_text=gettext_lazy("Whether the numbers are estimated from some contacts.")
    )
    low = serializers.IntegerField(help_text=gettext_lazy("The exact count is probably not below."))
    high = serializers.IntegerField(help_text=gettext_lazy("The exact count is probably not above."))
    parts = PartCountShape(
        many=True, help_text=gettext_lazy("The whole, its groups and conditions, each group before what is in it.")
    )
    warnings = serializers.ListField(child=serializers.CharField())


@contextmanager
def definition_faults(*place: str) -> Iterator[None]:
    """Answers the faults of a definition, which is at ``place`` in the body, with their paths."""
    try:
        yield
    except DefinitionError as error:
        raise Refused([Problem((*place, *fault.path), fault.message) for fault in error.faults]) from error


@contextmanager
def name_conflicts() -> Iterator[None]:
    """Answers the name of another segment with 409."""
    try:
        yield
    except IntegrityError:
        raise refused("name", _("There is a segment of this name."), status=409) from None


def told(segment: Segment) -> dict[str, Any]:
    shape: dict[str, Any] = SegmentShape(segment).data
    return shape
