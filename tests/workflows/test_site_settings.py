"""Settings > The shop's site."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from contacts.events import NewEvent, record
from tests.conftest import logged_in

pytestmark = pytest.mark.django_db

URL = "/settings/site/"


def test_roles(client, viewer, marketer, administrator):
    assert client.get(URL).status_code == 302
    assert [logged_in(user).get(URL).status_code for user in (viewer, marketer, administrator)] == [403, 403, 200]
    assert logged_in(administrator).post(URL).status_code == 405
    assert f'href="{URL}"' in logged_in(administrator).get(reverse("settings")).content.decode()


def test_nothing_is_set_up(administrator_client: Client, settings: Any):
    settings.SHOP_ORIGINS, settings.TRACKING_KEY = [], ""
    page = administrator_client.get(URL).content.decode()
    for text in ("None yet", "SHOP_ORIGINS=https://shop.example", "TRACKING_KEY", "None has arrived yet"):
        assert text in page


def test_everything_is_set_up_and_the_key_stays_a_secret(administrator_client: Client, settings: Any, now):
    settings.SHOP_ORIGINS = ["https://shop.example", "https://<b>.example"]
    settings.TRACKING_KEY = "the key of this test"
    settings.PUBLIC_URL = "https://crm.example"
    record([NewEvent("page_visit", now - timedelta(days=day), visitor_key="v") for day in (1, 0, 2)], now=now)
    page = administrator_client.get(URL).content.decode()
    assert "&lt;script async src=&quot;https://crm.example/t/muster.js&quot;&gt;" in page.replace('"', "&quot;")
    assert "https://&lt;b&gt;.example" in page
    assert "10 Mar 2026, 12:00" in page
    assert settings.TRACKING_KEY not in page


@pytest.mark.parametrize("number", [1, 3])
def test_queries(administrator_client: Client, number: int, now, django_assert_num_queries):
    record([NewEvent("page_visit", now, visitor_key=f"v{place}") for place in range(number)], now=now)
    # Session; user; permissions; the last visit; the jobs of the bell.
    with django_assert_num_queries(5):
        administrator_client.get(URL)
