"""What a definition would do and how it reads, before it is saved and after."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from crm.api.bodies import read
from crm.api.endpoint import Endpoint
from crm.api.errors import refused
from crm.models import ApiKey
from crm.time_limit import TookTooLong
from segments.api.segments import segment_of
from segments.api.shapes import (
    DefinitionBody,
    EditedDefinitionBody,
    PreviewBody,
    PreviewShape,
    SentenceShape,
    definition_faults,
)
from segments.compiler import describe, validate
from segments.editing import usable
from segments.models import Segment
from segments.preview import preview

READ = ApiKey.Scope.SEGMENTS_READ
TAGS = ["Segments"]
PREVIEWED = {200: PreviewShape, 503: OpenApiResponse(description="Counting took too long and was stopped.")}


class Preview(Endpoint):
    scopes = {"POST": READ}

    @extend_schema(operation_id="segments_preview", tags=TAGS, request=PreviewBody, responses=PREVIEWED)
    def post(self, request: Request) -> Response:
        """How many and whom a definition would find."""
        given = read(request, PreviewBody)
        with definition_faults("definition"):
            definition = validate(given["definition"], kind=given["kind"])
            return Response(_previewed(definition, None, exact=given.get("exact", False)))


class PreviewOfSegment(Endpoint):
    scopes = {"POST": READ}

    @extend_schema(operation_id="segments_preview_change", tags=TAGS, request=EditedDefinitionBody, responses=PREVIEWED)
    def post(self, request: Request, pk: int) -> Response:
        """How many would enter and leave a segment if it got another definition."""
        segment = _defined(pk)
        given = read(request, EditedDefinitionBody)
        with definition_faults("definition"):
            definition = usable(given.get("definition", segment.conditions), segment)
            return Response(_previewed(definition, segment, exact=given.get("exact", False)))


class Sentence(Endpoint):
    scopes = {"POST": READ}

    @extend_schema(operation_id="segments_sentence", tags=TAGS, request=DefinitionBody, responses=SentenceShape)
    def post(self, request: Request) -> Response:
        """A definition as a sentence that people can read."""
        with definition_faults("definition"):
            return Response({"sentence": describe(_definition(request))})


class SentenceOfSegment(Endpoint):
    scopes = {"GET": READ}

    @extend_schema(operation_id="segments_sentence_saved", tags=TAGS, responses=SentenceShape)
    def get(self, request: Request, pk: int) -> Response:
        """The saved definition of a segment as a sentence."""
        with definition_faults("definition"):
            return Response({"sentence": describe(_defined(pk).conditions)})


def _definition(request: Request) -> dict[str, Any]:
    given = read(request, DefinitionBody)
    return validate(given["definition"], kind=given["kind"])


def _defined(pk: int) -> Segment:
    segment = segment_of(pk)
    if segment.is_static:
        raise refused("", _("A static segment has no definition."))
    return segment


def _previewed(definition: dict[str, Any], segment: Segment | None, *, exact: bool) -> dict[str, Any]:
    try:
        figures = preview(definition, segment=segment, now=timezone.now(), exact=exact)
    except TookTooLong as stopped:
        message = _("Counting took longer than %(seconds)s seconds and was stopped.") % {"seconds": stopped.seconds}
        raise refused("", message, status=503) from stopped
    shown: dict[str, Any] = PreviewShape(figures).data
    return shown
