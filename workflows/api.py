"""``/workflows``: which there are, and letting a contact into one that starts with an API call."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import Q
from django.shortcuts import get_object_or_404
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from contacts import arrivals
from contacts.models import Contact
from crm.api.bodies import Body, Id, Text, read, read_query
from crm.api.endpoint import Endpoint
from crm.api.errors import refused
from crm.api.pages import PageQuery, page_of, page_shape
from crm.models import ApiKey
from workflows.engine import Start, begin
from workflows.engine.frozen import open_versions
from workflows.models import Workflow

READ, START = ApiKey.Scope.WORKFLOWS_READ, ApiKey.Scope.WORKFLOWS_START
TAGS = ["Workflows"]
API_CALL = "api_call"


class WorkflowShape(serializers.ModelSerializer):
    class Meta:
        model = Workflow
        fields = ["id", "name", "description", "folder", "state", "created_at", "updated_at"]


class StartBody(Body):
    contact_id = Id(required=False, help_text=gettext_lazy("Who shall start: one of the three."))
    external_id = Text(required=False, max_length=255)
    email = Text(required=False, max_length=254)
    key = Text(max_length=60, help_text=gettext_lazy("Makes the call unique: a key starts a contact once."))
    data = serializers.DictField(required=False, help_text=gettext_lazy("Values for emails and webhooks."))


class StartShape(serializers.Serializer):
    started = serializers.BooleanField(
        help_text=gettext_lazy("False when the key was used before, or Start does not let the contact in.")
    )


class Workflows(Endpoint):
    scopes = {"GET": READ}

    @extend_schema(
        operation_id="workflows_list",
        tags=TAGS,
        parameters=[PageQuery],
        responses=page_shape("Workflows", WorkflowShape(many=True)),
    )
    def get(self, request: Request) -> Response:
        """Workflows, page by page in the order of their ids."""
        rows, following = page_of(Workflow.objects.live().defer("draft"), read_query(request, PageQuery))
        return Response({"results": WorkflowShape(rows, many=True).data, "next": following})


class OneWorkflow(Endpoint):
    scopes = {"GET": READ}

    @extend_schema(operation_id="workflows_retrieve", tags=TAGS, responses=WorkflowShape)
    def get(self, request: Request, pk: int) -> Response:
        """One workflow."""
        return Response(WorkflowShape(get_object_or_404(Workflow.objects.live().defer("draft"), pk=pk)).data)


class StartWorkflow(Endpoint):
    scopes = {"POST": START}

    @extend_schema(operation_id="workflows_start", tags=TAGS, request=StartBody, responses=StartShape)
    def post(self, request: Request, pk: int) -> Response:
        """Let a contact into an active workflow that has *On API call* behind Start, as far as Start allows it.

        Where the contact waits for an API call further down, it goes on.
        """
        given = read(request, StartBody)
        workflow = get_object_or_404(Workflow.objects.live().defer("draft"), pk=pk)
        version = open_versions().get(workflow.version_id or 0)
        if version is None or not any(node.type == API_CALL for node in version.graph.nodes.values()):
            raise refused("", _("The workflow is not active, or waits for no API call."), status=409)
        entries = [node.id for node, trigger in version.entries if trigger.key == API_CALL]
        contact_id, values = _contact(given), given.get("data", {})
        starts = [Start(version, node, contact_id, f"api:{given['key']}:{node}", None, values) for node in entries]
        with transaction.atomic():
            begun = begin(starts, now=timezone.now())
            if begun or not entries:  # a call that is repeated wakes nobody again
                arrivals.write(f"api:{workflow.pk}", [contact_id])
        return Response({"started": bool(begun)})


def _contact(given: dict[str, Any]) -> int:
    """The id of the contact that is named. Raises `Refused`."""
    if "contact_id" in given:
        named = Q(pk=given["contact_id"])
    elif "external_id" in given:
        named = Q(external_id=given["external_id"])
    elif "email" in given:
        named = Q(email=given["email"].lower())
    else:
        raise refused("", _("Name the contact by contact_id, external_id or email."))
    found = Contact.objects.filter(named).values_list("pk", flat=True).first()
    if found is None:
        raise refused("", _("There is no such contact."))
    return found


urlpatterns = [
    path("workflows", Workflows.as_view()),
    path("workflows/<int:pk>", OneWorkflow.as_view()),
    path("workflows/<int:pk>/start", StartWorkflow.as_view()),
]
