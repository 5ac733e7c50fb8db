"""A program that uses the API with a key of its own."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from django.test import Client
from django.utils import timezone

from crm.api_keys import create_key
from crm.models import ApiKey


@dataclass
class Api:
    """Sends requests and gives status and body of the answers."""

    key: ApiKey
    secret: str

    @classmethod
    def with_scopes(cls, *scopes: str) -> Api:
        """With a new key for these scopes; without any, for all."""
        return cls(*create_key(name="Shop", scopes=scopes or list(ApiKey.Scope), now=timezone.now()))

    def get(self, path: str, **query: Any) -> tuple[int, Any]:
        return self.ask("GET", path, query=query)

    def post(self, path: str, body: Any = None) -> tuple[int, Any]:
        return self.ask("POST", path, body)

    def patch(self, path: str, body: Any) -> tuple[int, Any]:
        return self.ask("PATCH", path, body)

    def delete(self, path: str, **query: Any) -> tuple[int, Any]:
        return self.ask("DELETE", path, query=query)

    def ask(self, method: str, path: str, body: Any = None, *, query: Any = None) -> tuple[int, Any]:
        """``body`` is sent as JSON, or as it is when it is bytes."""
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        response = Client().generic(
            method,
            f"/api/v1{path}",
            data,
            content_type="application/json",
            query_params=query,
            headers={"Authorization": f"Bearer {self.secret}"},
        )
        return response.status_code, json.loads(response.content) if response.content else None


def errors_in(body: Any) -> dict[str, str]:
    """The messages of a refusal by their paths."""
    return {error["path"]: error["message"] for error in body["errors"]}
