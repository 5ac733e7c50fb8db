"""The OpenAPI schema, made from the endpoints, and the page on which people read it and try things out."""

import re
from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import get_lib_doc_excludes

from crm.api.bodies import LARGEST_ID, Body
from crm.roles import requires

ERRORS = {
    "type": "object",
    "required": ["errors"],
    "properties": {
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["path", "message"],
                "properties": {
                    "path": {
                        "type": "string",
                        "description": "Where it is wrong, such as `definition.rules[0].value`; empty: as a whole.",
                    },
                    "message": {"type": "string"},
                },
            },
        }
    },
}
FOR_ALL = {
    "400": "Something in the request is wrong; nothing was done.",
    "401": "There is no API key, or it is unknown, expired or revoked.",
    "403": "The API key lacks the scope.",
    "429": "Too many requests in this minute; the header `Retry-After` says for how many seconds to wait.",
}
WITH_A_PATH = {"404": "There is no such thing."}
WITH_A_BODY = {
    "409": "Another contact, list or segment has this already.",
    "413": "The body is too long.",
    "415": "The body is not `application/json`.",
}


class ScopedSchema(AutoSchema):
    """Describes an operation by the docstring of its method, and says which scope it needs."""

    def get_description(self) -> str:
        return f"{super().get_description()}\n\nScope: `{self.view.scopes[self.method]}`"


def complete(result: dict[str, Any], **_generator: Any) -> dict[str, Any]:
    """Add what holds for every operation: how it refuses, and that bodies have no other entries than those named."""
    result["components"].setdefault("schemas", {})["Errors"] = ERRORS
    for path, operations in result["paths"].items():
        for operation in operations.values():
            operation["summary"] = re.split(r"\.\s", operation["description"])[0]
            for parameter in operation.get("parameters", ()):
                if parameter["in"] == "path":
                    parameter["schema"] |= {"minimum": 1, "maximum": LARGEST_ID}
            refusals = FOR_ALL | (WITH_A_PATH if "{" in path else {})
            if body := operation.get("requestBody"):
                refusals |= WITH_A_BODY
                for content in body["content"].values():
                    _close(content["schema"], result["components"]["schemas"])
            for status, description in refusals.items():
                operation["responses"].setdefault(status, _refusal(description))
    return result


def _refusal(description: str) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Errors"}}}
    return {"description": description, "content": content}


def _close(schema: dict[str, Any], components: dict[str, Any]) -> None:
    if name := schema.get("$ref"):
        schema = components[name.rpartition("/")[2]]
    if schema.get("type") == "object" and "properties" in schema:
        schema.setdefault("additionalProperties", False)


def without_description() -> list[type]:
    """Classes of ours whose docstrings say nothing about what is made of them."""
    return [*get_lib_doc_excludes(), Body]


@cache
def the_schema() -> dict[str, Any]:
    """The schema. It says nothing about this account: custom fields are asked for at ``/fields``."""
    schema: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    return schema


@require_safe
def schema(request: HttpRequest) -> HttpResponse:
    """Open to everybody, for programs that make clients of it."""
    return JsonResponse(the_schema())


@require_safe
@requires()
def documentation(request: HttpRequest) -> HttpResponse:
    """Swagger UI, under the policy of all our pages: it needs nothing that they do not allow."""
    return render(request, "crm/api_documentation.html", {"nav": "settings"})
