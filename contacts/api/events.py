"""``/events``: what contacts did, one event or up to a thousand at a time."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from contacts.events import NewEvent, Outcome, Result, record
from crm.api.bodies import Body, Moment, Text, WholeNumber
from crm.api.endpoint import Endpoint
from crm.api.errors import Path, Problem, Refused, problems_in, refused
from crm.models import ApiKey

MOST = 1_000
TAGS = ["Events"]


class Number(serializers.FloatField):
    """A JSON number as it was written: the write path of events keeps it exactly."""

    def to_internal_value(self, data: Any) -> int | float:
        if isinstance(data, bool) or not isinstance(data, int | float):
            self.fail("invalid")
        return data


class EventBody(Body):
    type = Text(help_text=gettext_lazy("Such as `purchase`: a-z, 0-9 and `_`, beginning with a letter."))
    occurred_at = Moment(required=False, help_text=gettext_lazy("When it happened, with a time zone; without it, now."))
    contact_id = WholeNumber(
        required=False, allow_null=True, help_text=gettext_lazy("Whose event it is: the first that is given counts.")
    )
    external_id = Text(required=False, allow_null=True)
    email = Text(required=False, allow_null=True)
    visitor_key = Text(
        required=False,
        allow_null=True,
        help_text=gettext_lazy("What the shop calls a browser; an unknown one makes a contact."),
    )
    value = Number(required=False, allow_null=True, help_text=gettext_lazy("Such as the amount of a purchase."))
    properties = serializers.DictField(required=False)
    key = Text(
        required=False,
        allow_null=True,
        help_text=gettext_lazy("Makes the event unique: a key is never written twice."),
    )


class BatchBody(Body):
    events = serializers.ListField(child=EventBody(), min_length=1, max_length=MOST)


class ProblemShape(serializers.Serializer):
    path = serializers.CharField()
    message = serializers.CharField()


class ResultShape(serializers.Serializer):
    result = serializers.ChoiceField(choices=[outcome.value for outcome in Outcome])
    contact_id = serializers.IntegerField(allow_null=True, help_text=gettext_lazy("Of an event that was recorded."))
    errors = ProblemShape(many=True, help_text=gettext_lazy("Why it was refused."))


class BatchShape(serializers.Serializer):
    results = ResultShape(many=True, help_text=gettext_lazy("What became of each event, in the order they came."))


class OneEvent(Endpoint):
    scopes = {"POST": ApiKey.Scope.EVENTS_WRITE}

    @extend_schema(
        operation_id="events_create",
        tags=TAGS,
        request=EventBody,
        responses={
            200: OpenApiResponse(ResultShape, description="An event with this key has been recorded before."),
            201: OpenApiResponse(ResultShape, description="The event was recorded."),
        },
    )
    def post(self, request: Request) -> Response:
        """Record an event."""
        now = timezone.now()
        [told] = _record([request.data], lambda place: (), now=now)
        if told["result"] == Outcome.REFUSED:
            raise Refused(told["errors"])
        return Response(told, status=201 if told["result"] == Outcome.RECORDED else 200)


class EventBatch(Endpoint):
    scopes = {"POST": ApiKey.Scope.EVENTS_WRITE}

    @extend_schema(operation_id="events_batch", tags=TAGS, request=BatchBody, responses=BatchShape)
    def post(self, request: Request) -> Response:
        """Record up to 1,000 events in one transaction. One that is refused does not stop the others."""
        events = request.data.get("events") if isinstance(request.data, dict) else None
        if not isinstance(events, list) or not events or set(request.data) != {"events"}:
            raise refused("events", _("The body is an object with a list of “events”."))
        if len(events) > MOST:
            raise refused("events", _("There are more than %(most)s events.") % {"most": MOST})
        results = _record(events, lambda place: ("events", place), now=timezone.now())
        for told in results:
            told["errors"] = [problem.as_json for problem in told["errors"]]
        return Response({"results": results})


def _record(items: list[Any], path_of: Any, *, now: datetime) -> list[dict[str, Any]]:
    """Record the events that can be read, and tell of each in its place what became of it."""
    told: list[dict[str, Any]] = []
    events: list[NewEvent] = []
    for place, item in enumerate(items):
        problems: list[Problem] = []
        try:
            events.append(_event(item, now=now))
        except ValidationError as error:
            problems = list(problems_in(error.detail, path_of(place)))
        told.append({"result": Outcome.REFUSED, "contact_id": None, "errors": problems})
    results = iter(record(events, now=now))
    for place, one in enumerate(told):
        if not one["errors"]:
            one |= _told(next(results), path_of(place))
    return told


def _event(item: Any, *, now: datetime) -> NewEvent:
    shape = EventBody(data=item)
    shape.is_valid(raise_exception=True)
    return NewEvent(**({"occurred_at": now} | shape.validated_data))


def _told(result: Result, path: Path) -> dict[str, Any]:
    errors = [Problem(path, result.reason)] if result.outcome == Outcome.REFUSED else []
    return {"result": result.outcome, "contact_id": result.contact_id, "errors": errors}
