"""``/emails/bounces``: what a mail service tells of emails that came back or were marked as spam."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from campaigns.bounces import Kind, apply, first_message_in
from crm.api.bodies import Body, Text, read
from crm.api.endpoint import Endpoint
from crm.api.errors import refused
from crm.models import ApiKey


class BounceBody(Body):
    message_id = Text(
        max_length=1000,
        help_text=gettext_lazy("The `Message-ID` of the email, or the address that the report came to."),
    )
    kind = serializers.ChoiceField(
        choices=[kind.value for kind in Kind],
        help_text=gettext_lazy("`hard`: there is no such mailbox. `soft`: not now. `complaint`: marked as spam."),
    )
    detail = Text(required=False, default="", allow_blank=True, max_length=1000)


class BounceShape(serializers.Serializer):
    message = serializers.IntegerField(help_text=gettext_lazy("The number of the message in Muster."))


class Bounces(Endpoint):
    scopes = {"POST": ApiKey.Scope.EVENTS_WRITE}

    @extend_schema(operation_id="emails_bounces_create", tags=["Emails"], request=BounceBody, responses=BounceShape)
    def post(self, request: Request) -> Response:
        """Tell that an email came back, or was marked as spam. Telling it again changes nothing."""
        said: dict[str, Any] = read(request, BounceBody)
        message_id = first_message_in(said["message_id"])
        kind = Kind(said["kind"])
        if message_id is None or not apply(message_id, kind, said["detail"], now=timezone.now()):
            raise refused("message_id", _("There is no such message."))
        return Response({"message": message_id})
