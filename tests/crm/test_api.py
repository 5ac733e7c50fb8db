"""What all of the API has in common: keys, scopes, how often, one form of errors, the schema and its page."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from contacts.models import Contact
from crm.api.schema import the_schema
from crm.api_keys import create_key, revoke_keys
from crm.models import ApiKey
from tests.api_client import Api, errors_in

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_counted() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


# Who


@pytest.mark.parametrize("header", [None, "Bearer", "Bearer nobody", "Basic bXVzdGVyOm11c3Rlcg==", "Bearer \xff\x00"])
def test_without_a_key_nothing_is_told(header: str | None) -> None:
    response = Client().get("/api/v1/contacts", headers={"Authorization": header} if header else {})
    assert response.status_code == 401
    assert response["WWW-Authenticate"] == "Bearer"
    assert set(errors_in(response.json())) == {""}


def test_a_session_of_a_browser_is_no_key(superuser_client: Client) -> None:
    assert superuser_client.get("/api/v1/contacts").status_code == 401
    response = superuser_client.post("/api/v1/contacts", {"email": "a@example.com"}, content_type="application/json")
    assert response.status_code == 401
    assert not Contact.objects.exists()


def test_expired_and_revoked_keys() -> None:
    api = Api.with_scopes("contacts:read")
    assert api.get("/contacts")[0] == 200
    revoke_keys([api.key.pk], now=timezone.now())
    status, body = api.get("/contacts")
    assert (status, errors_in(body)) == (401, {"": "The API key is unknown, expired or revoked."})
    past = timezone.now() - timedelta(seconds=1)
    expired = Api(*create_key(name="Shop", scopes=["contacts:read"], now=past, expires_at=past))
    assert expired.get("/contacts")[0] == 401


def operations() -> list[tuple[str, str]]:
    return [(method.upper(), path) for path, methods in the_schema()["paths"].items() for method in methods]


SCOPES = {
    ("GET", "/api/v1/contacts"): "contacts:read",
    ("POST", "/api/v1/contacts"): "contacts:write",
    ("POST", "/api/v1/contacts/upsert"): "contacts:write",
    ("GET", "/api/v1/contacts/{id}"): "contacts:read",
    ("PATCH", "/api/v1/contacts/{id}"): "contacts:write",
    ("DELETE", "/api/v1/contacts/{id}"): "contacts:write",
    ("GET", "/api/v1/contacts/{id}/memberships"): "contacts:read",
    ("POST", "/api/v1/events"): "events:write",
    ("POST", "/api/v1/events/batch"): "events:write",
    ("POST", "/api/v1/emails/bounces"): "events:write",
    ("GET", "/api/v1/fields"): "fields:read",
    ("GET", "/api/v1/lists"): "lists:read",
    ("POST", "/api/v1/lists"): "lists:write",
    ("GET", "/api/v1/lists/{id}"): "lists:read",
    ("PATCH", "/api/v1/lists/{id}"): "lists:write",
    ("DELETE", "/api/v1/lists/{id}"): "lists:write",
    ("POST", "/api/v1/lists/{id}/subscribe"): "lists:write",
    ("POST", "/api/v1/lists/{id}/unsubscribe"): "lists:write",
    ("GET", "/api/v1/workflows"): "workflows:read",
    ("GET", "/api/v1/workflows/{id}"): "workflows:read",
    ("POST", "/api/v1/workflows/{id}/start"): "workflows:start",
    ("GET", "/api/v1/segment-templates"): "segments:read",
    ("GET", "/api/v1/segments"): "segments:read",
    ("POST", "/api/v1/segments"): "segments:write",
    ("POST", "/api/v1/segments/preview"): "segments:read",
    ("POST", "/api/v1/segments/sentence"): "segments:read",
    ("GET", "/api/v1/segments/{id}"): "segments:read",
    ("PATCH", "/api/v1/segments/{id}"): "segments:write",
    ("DELETE", "/api/v1/segments/{id}"): "segments:write",
    ("GET", "/api/v1/segments/{id}/members"): "segments:read",
    ("POST", "/api/v1/segments/{id}/members"): "segments:write",
    ("GET", "/api/v1/segments/{id}/members/{contact}"): "segments:read",
    ("POST", "/api/v1/segments/{id}/members/remove"): "segments:write",
    ("POST", "/api/v1/segments/{id}/preview"): "segments:read",
    ("POST", "/api/v1/segments/{id}/refresh"): "segments:write",
    ("GET", "/api/v1/segments/{id}/sentence"): "segments:read",
}


def test_every_operation_needs_its_scope_and_no_other() -> None:
    assert set(operations()) == set(SCOPES)
    for (method, path), scope in SCOPES.items():
        address = path.removeprefix("/api/v1").replace("{id}", "1").replace("{contact}", "1")
        others = [other for other in ApiKey.Scope if other != scope]
        status, body = Api.with_scopes(*others).ask(method, address, {})
        assert (status, errors_in(body)) == (403, {"": f"The API key needs the scope {scope}."})
        assert Api.with_scopes(scope).ask(method, address, {})[0] not in (401, 403)


# How often


def test_what_goes_beyond_the_limit_of_a_minute_is_refused(settings: Any) -> None:
    settings.API_REQUESTS_PER_MINUTE = 2
    api, other = Api.with_scopes("fields:read"), Api.with_scopes("fields:read")
    statuses = [api.get("/fields")[0] for _ in range(4)]
    assert statuses in ([200, 200, 429, 429], [200, 200, 200, 429], [200, 200, 200, 200])  # a minute may end meanwhile
    settings.API_REQUESTS_PER_MINUTE = 1
    api.get("/fields")
    response = Client().get("/api/v1/fields", headers={"Authorization": f"Bearer {api.secret}"})
    assert response.status_code == 429
    assert 1 <= int(response["Retry-After"]) <= 60
    assert set(errors_in(response.json())) == {""}
    assert other.get("/fields")[0] == 200


# Errors


def test_an_address_that_there_is_not() -> None:
    api = Api.with_scopes()
    for path in ("/nothing", "/contacts/0", "/contacts/1", f"/contacts/{10**30}", "/contacts/x", "/segments/1/members"):
        status, body = api.get(path)
        assert (status, errors_in(body)) == (404, {"": "There is no such thing."})


def test_a_method_that_there_is_not() -> None:
    status, body = Api.with_scopes().delete("/contacts")
    assert status == 405
    assert set(errors_in(body)) == {""}


BODIES = [
    b"",
    b"{",
    b"[]",
    b"3",
    b"null",
    b'"text"',
    b"\xff\xfe",
    b'{"email": NaN}',
    b'{"points": Infinity}',
    b'{"points": 1e999}',
    b'{"points": ' + b"9" * 5000 + b"}",
    b'{"points": ' + b"9" * 400 + b"}",
    b'{"email": "\\u0000"}',
    b'{"email": "\\ud800"}',
    b'{"\\ud800": "x"}',
    b'{"\\u0000": 1}',
    b'{"custom": {"\\udfff": 1}}',
    b"[" * 100_000,
    b'{"custom": ' * 2000 + b"{}" + b"}" * 2000,
    b'{"definition": ' + b"[" * 70 + b"]" * 70 + b"}",
    b'{"email": {}, "first_name": [], "points": "1", "custom": []}',
    b'{"name": 1, "kind": [], "definition": 3}',
    b'{"definition": {"version": 1, "match": "all", "rules": [{"type": "list", "list": 1e40, "operator": "member"}]}}',
    b'{"contacts": [1e40, -1, "1", null, true]}',
    b'{"events": [1, null, [], {"type": 3}, {"contact_id": 1e40}, {"properties": 1}]}',
]


@pytest.mark.parametrize("body", BODIES)
def test_no_body_breaks_anything(body: bytes) -> None:
    Contact.objects.create(pk=1, email="a@example.com")
    api = Api.with_scopes()
    api.post("/lists", {"name": "News"})
    api.post("/segments", {"name": "Guests", "kind": "static"})
    for method, path in operations():
        if method in ("POST", "PATCH"):
            status, answer = api.ask(
                method, path.removeprefix("/api/v1").replace("{id}", "1").replace("{contact}", "1"), body
            )
            assert status < 500, (path, answer)


def test_other_types_of_bodies_are_refused() -> None:
    api = Api.with_scopes()
    headers = {"Authorization": f"Bearer {api.secret}"}
    response = Client().post("/api/v1/contacts", {"email": "a@example.com"}, headers=headers)
    assert response.status_code == 415
    assert set(errors_in(response.json())) == {""}


def test_a_body_that_is_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crm.api.bodies.LARGEST_BODY", 100)
    status, body = Api.with_scopes().post("/contacts", {"email": "a" * 100})
    assert (status, set(errors_in(body))) == (413, {""})


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ({"cursor": "x"}, "cursor"),
        ({"cursor": "9" * 40}, "cursor"),
        ({"limit": "0"}, "limit"),
        ({"limit": "1001"}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"contry": "ES"}, "contry"),
        ({"q": "\0"}, "q"),
        ({"list": str(10**30)}, "list"),
        ({"updated_since": "yesterday"}, "updated_since"),
    ],
)
def test_a_parameter_that_cannot_be_used_is_named(query: dict[str, str], path: str) -> None:
    status, body = Api.with_scopes().get("/contacts", **query)
    assert (status, set(errors_in(body))) == (400, {path})


# The schema


def test_the_schema_is_open_and_names_every_address(client: Client) -> None:
    response = client.get("/api/v1/schema")
    assert response.status_code == 200
    schema = json.loads(response.content)
    assert schema["openapi"].startswith("3.1")
    assert schema["components"]["securitySchemes"] == {"key": {"type": "http", "scheme": "bearer"}}
    for path, operations_of_path in schema["paths"].items():
        for method, operation in operations_of_path.items():
            assert f"Scope: `{SCOPES[method.upper(), path]}`" in operation["description"]
            assert 0 < len(operation["summary"]) < 110
            assert operation["security"] == [{"key": []}]
            assert operation["responses"]["401"]["content"]["application/json"]["schema"] == {
                "$ref": "#/components/schemas/Errors"
            }


def test_the_page_of_the_documentation_is_for_people_who_are_signed_in(client: Client, viewer_client: Client) -> None:
    assert client.get("/api/").status_code == 302
    response = viewer_client.get("/api/")
    html = response.content.decode()
    assert response.status_code == 200
    assert 'data-schema="/api/v1/schema"' in html
    assert "http://" not in html.replace("http://www.w3.org", "")
    assert "unsafe" not in response["Content-Security-Policy"]


def test_the_settings_page_leads_there(administrator_client: Client) -> None:
    assert b'href="/api/"' in administrator_client.get("/settings/").content
    assert b'href="/api/"' in administrator_client.get("/settings/api-keys/").content


def test_every_address_and_scope_is_documented() -> None:
    page = (Path(__file__).resolve().parent.parent.parent / "docs" / "api.md").read_text()
    addresses = re.findall(r"^\| `([A-Z]+) (/\S+)` \|.*\| `(\S+)` \|$", page, re.MULTILINE)
    assert {(method, f"/api/v1{path}"): scope for method, path, scope in addresses} == SCOPES
    assert set(re.findall(r"^\| `(\w+:\w+)` \|", page, re.MULTILINE)) == set(ApiKey.Scope)
