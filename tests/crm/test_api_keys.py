"""Keys of programs: what is kept of them, when they are accepted, and their pages under Settings."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from crm.api_keys import create_key, find_key, revoke_keys
from crm.models import ApiKey, User
from tests.conftest import logged_in

pytestmark = pytest.mark.django_db


def test_a_key_is_found_by_its_secret_which_is_not_kept(now: datetime, administrator: User) -> None:
    key, secret = create_key(name="Shop", scopes=["events:write"], user=administrator, now=now)
    assert find_key(secret, now=now) == key
    assert find_key(secret[:-1], now=now) is None
    assert find_key("", now=now) is None
    stored = ApiKey.objects.values().get()
    assert all(secret not in str(value) for value in stored.values())
    assert (stored["prefix"], stored["scopes"], stored["created_by_id"]) == (
        secret[:12],
        ["events:write"],
        administrator.pk,
    )


def test_two_keys_differ(now: datetime) -> None:
    secrets = {create_key(name="Shop", scopes=["events:write"], now=now)[1] for _ in range(3)}
    assert len(secrets) == 3
    assert all(re.fullmatch(r"muster_[\w-]{43}", secret) for secret in secrets)


def test_an_unknown_scope_is_refused(now: datetime) -> None:
    with pytest.raises(ValueError, match="everything"):
        create_key(name="Shop", scopes=["everything"], now=now)


def test_expired_and_revoked_keys_are_not_found(now: datetime) -> None:
    _expiring, secret = create_key(name="Shop", scopes=["events:write"], now=now, expires_at=now + timedelta(seconds=1))
    assert find_key(secret, now=now) is not None
    assert find_key(secret, now=now + timedelta(seconds=1)) is None
    revoked, secret = create_key(name="Shop", scopes=["events:write"], now=now)
    assert revoke_keys([revoked.pk], now=now) == 1
    assert revoke_keys([revoked.pk], now=now) == 0
    assert find_key(secret, now=now) is None


def test_the_last_use_is_written_at_most_once_a_minute(
    now: datetime, django_assert_num_queries: Callable[[int], object]
) -> None:
    _key, secret = create_key(name="Shop", scopes=["events:write"], now=now)
    with django_assert_num_queries(2):
        find_key(secret, now=now)
    with django_assert_num_queries(1):
        find_key(secret, now=now + timedelta(seconds=59))
    assert ApiKey.objects.get().last_used_at == now
    with django_assert_num_queries(2):
        find_key(secret, now=now + timedelta(seconds=60))
    assert ApiKey.objects.get().last_used_at == now + timedelta(seconds=60)


# The pages


def create(client: Client, **data: object) -> str:
    values = {"name": "Shop <b>", "scopes": ["events:write", "fields:read"], "days": "30"} | data
    response = client.post("/settings/api-keys/new/", values)
    assert response.status_code == 200
    assert "no-store" in response["Cache-Control"]
    found = re.search(r'id="secret">(muster_[\w-]{43})<', response.content.decode())
    assert found
    return found[1]


def test_a_new_key_is_shown_once(administrator_client: Client) -> None:
    secret = create(administrator_client)
    key = ApiKey.objects.get()
    assert find_key(secret, now=key.created_at) == key
    assert (key.name, key.scopes, key.expires_at) == (
        "Shop <b>",
        ["events:write", "fields:read"],
        key.created_at + timedelta(days=30),
    )
    page = administrator_client.get("/settings/api-keys/").content.decode()
    assert "Shop &lt;b&gt;" in page
    assert f"{secret[:12]}…" in page
    assert secret not in page


def test_a_key_may_last_for_ever(administrator_client: Client) -> None:
    create(administrator_client, days="")
    assert ApiKey.objects.get().expires_at is None


@pytest.mark.parametrize(
    ("data", "text"),
    [({"scopes": []}, "Choose at least one."), ({"name": " "}, "This field is required."), ({"days": "5"}, "valid")],
)
def test_what_is_wrong_is_said_and_what_was_typed_is_kept(
    administrator_client: Client, data: dict[str, object], text: str
) -> None:
    values = {"name": "Typed", "scopes": ["events:write"], "days": "90"} | data
    response = administrator_client.post("/settings/api-keys/new/", values)
    html = response.content.decode()
    assert response.status_code == 422
    assert text in html
    assert 'value="90" selected' in html or "days" in data
    assert not ApiKey.objects.exists()


def test_a_key_is_revoked_for_good(administrator_client: Client, now: datetime) -> None:
    key, secret = create_key(name="Shop", scopes=["events:write"], now=now)
    url = f"/settings/api-keys/{key.pk}/revoke/"
    assert b"Revoke Shop?" in administrator_client.get(url).content
    response = administrator_client.post(url)
    assert (response.status_code, response["Location"]) == (303, "/settings/api-keys/")
    assert find_key(secret, now=now) is None
    page = administrator_client.get("/settings/api-keys/").content.decode()
    assert "The key “Shop” was revoked." in page
    assert url not in page
    assert administrator_client.post(url).status_code == 404


def test_no_keys_yet(administrator_client: Client) -> None:
    assert b"No keys yet" in administrator_client.get("/settings/api-keys/").content


@pytest.mark.parametrize("number", [1, 3])
def test_the_list_costs_the_same_for_any_number_of_keys(
    administrator_client: Client,
    administrator: User,
    now: datetime,
    number: int,
    django_assert_num_queries: Callable[[int], object],
) -> None:
    for _ in range(number):
        create_key(name="Shop", scopes=["events:write"], user=administrator, now=now)
    with django_assert_num_queries(5):
        administrator_client.get("/settings/api-keys/")


@pytest.mark.parametrize("role", ["viewer", "marketer"])
def test_only_administrators_see_and_make_keys(user_with_role: Callable[[str], User], now: datetime, role: str) -> None:
    key, _secret = create_key(name="Shop", scopes=["events:write"], now=now)
    client = logged_in(user_with_role(role))
    for url in ("/settings/api-keys/", "/settings/api-keys/new/", f"/settings/api-keys/{key.pk}/revoke/"):
        assert client.get(url).status_code == 403
        assert client.post(url).status_code in (403, 405)


def test_the_settings_page_leads_there(administrator_client: Client) -> None:
    assert b'href="/settings/api-keys/"' in administrator_client.get("/settings/").content


def test_the_administrators_site_shows_keys_and_revokes_them(superuser_client: Client, now: datetime) -> None:
    key, secret = create_key(name="Shop", scopes=["events:write"], now=now)
    assert superuser_client.get(reverse("admin:crm_apikey_change", args=[key.pk])).status_code == 200
    assert superuser_client.get(reverse("admin:crm_apikey_add")).status_code == 403
    superuser_client.post(
        reverse("admin:crm_apikey_changelist"), {"action": "revoke", "_selected_action": [str(key.pk)]}
    )
    assert find_key(secret, now=now) is None
