"""What browsers are told to refuse, on our pages and on the administrators' site."""

import pytest
from django.urls import reverse

pytestmark = pytest.mark.django_db


def policy(response) -> dict[str, str]:
    directives = response["Content-Security-Policy"].split("; ")
    return dict(directive.split(" ", 1) for directive in directives)


STRICT = {
    "default-src": "'self'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "object-src": "'none'",
    "base-uri": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}


@pytest.mark.parametrize("path", ["/accounts/login/", "/", "/nowhere"])
def test_our_pages_allow_nothing_inline_and_nothing_from_elsewhere(marketer_client, path):
    response = marketer_client.get(path)
    assert policy(response) == STRICT
    assert response["X-Frame-Options"] == "DENY"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Referrer-Policy"] == "same-origin"


def test_the_administrators_site_lets_its_theme_run_and_no_more(superuser_client):
    response = superuser_client.get(reverse("admin:index"))
    assert response.status_code == 200
    assert policy(response) == STRICT | {
        "script-src": "'self' 'unsafe-inline' 'unsafe-eval'",
        "style-src": "'self' 'unsafe-inline'",
    }


def test_the_administrators_site_has_the_same_login_page(client):
    response = client.get(reverse("admin:login"), {"next": "/admin/crm/"})
    assert response.status_code == 302
    assert response["Location"] == "/accounts/login/?next=/admin/crm/"


def test_who_is_signed_in_but_no_administrator_is_told_so(marketer_client):
    response = marketer_client.get(reverse("admin:index"), follow=True)
    assert response.status_code == 403


def test_who_is_signed_in_already_goes_on(superuser_client):
    response = superuser_client.get(reverse("admin:login"))
    assert response["Location"] == reverse("admin:index")
