"""Signing in and out, and passwords."""

import re

import pytest
from django.core import mail

from crm.models import User
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db


def test_signing_in_leads_to_the_dashboard(client, marketer):
    response = client.post("/accounts/login/", {"username": "marketer", "password": PASSWORD})
    assert response["Location"] == "/"


def test_signing_in_leads_back_to_the_page_one_came_from(client, marketer):
    response = client.post("/accounts/login/", {"username": "marketer", "password": PASSWORD, "next": "/settings/?a=b"})
    assert response["Location"] == "/settings/?a=b"


@pytest.mark.parametrize("elsewhere", ["https://elsewhere.example/", "//elsewhere.example/", "javascript:alert(1)"])
def test_signing_in_never_leads_elsewhere(client, marketer, elsewhere):
    response = client.post("/accounts/login/", {"username": "marketer", "password": PASSWORD, "next": elsewhere})
    assert response["Location"] == "/"


def test_signing_out_takes_a_post(marketer_client):
    assert marketer_client.get("/accounts/logout/").status_code == 405
    response = marketer_client.post("/accounts/logout/")
    assert response["Location"] == "/accounts/login/"
    assert marketer_client.get("/")["Location"] == "/accounts/login/?next=/"


def test_changing_the_password_keeps_one_signed_in(marketer, marketer_client):
    response = marketer_client.post(
        "/accounts/password/",
        {"old_password": PASSWORD, "new_password1": "a much better one", "new_password2": "a much better one"},
        follow=True,
    )
    assert response.redirect_chain == [("/", 302)]
    assert "Your password was changed." in response.text
    marketer.refresh_from_db()
    assert marketer.check_password("a much better one")


def test_the_page_to_change_the_password_is_for_those_signed_in(client):
    assert client.get("/accounts/password/")["Location"] == "/accounts/login/?next=/accounts/password/"


def test_a_reset_by_mail(client, marketer):
    response = client.post("/accounts/reset/", {"email": marketer.email})
    assert response["Location"] == "/accounts/reset/sent/"
    [message] = mail.outbox
    assert message.to == [marketer.email]
    assert message.subject == "Reset your password for Muster"
    [html] = [part for part, kind in message.alternatives if kind == "text/html"]
    address = re.search(r"http://testserver(/accounts/reset/\S+/)", message.body)[1]
    assert f'href="http://testserver{address}"' in html

    form = client.get(address, follow=True)
    response = client.post(
        form.redirect_chain[-1][0], {"new_password1": "a much better one", "new_password2": "a much better one"}
    )
    assert response["Location"] == "/accounts/login/"
    assert User.objects.get().check_password("a much better one")
    assert "This link has expired" in client.get(address).text


def test_the_reset_page_does_not_tell_who_has_an_account(client, marketer):
    known = client.post("/accounts/reset/", {"email": marketer.email}, follow=True).text
    unknown = client.post("/accounts/reset/", {"email": "unknown@example.com"}, follow=True).text
    assert known == unknown
    assert len(mail.outbox) == 1
