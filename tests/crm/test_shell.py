"""The frame of the pages: theme, navigation, messages, error pages, and the templates of forms."""

import pytest
from django import forms
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse

from crm.models import User
from crm.navigation import NAVIGATION, navigation_for

pytestmark = pytest.mark.django_db


def labels(user: User) -> list:
    return [
        (str(entry.label), [str(child.label) for child in entry.children]) if entry.children else str(entry.label)
        for entry in navigation_for(user)
    ]


def test_the_navigation_shows_what_a_user_may_see(viewer, administrator):
    seen_by_all = ["See all", "Segments", "Lists"]
    assert labels(viewer) == ["Dashboard", ("Contacts", seen_by_all), "Workflows"]
    assert labels(administrator) == [
        "Dashboard",
        ("Contacts", [*seen_by_all, "Imports", "Exports"]),
        "Workflows",
        "Settings",
    ]
    assert labels(User.objects.create_user("nobody")) == ["Dashboard"]


def test_every_entry_of_the_navigation_leads_somewhere(superuser_client):
    entries = [entry for group in NAVIGATION for entry in group.children or (group,)]
    assert {entry.key: superuser_client.get(entry.url).status_code for entry in entries} == {
        "dashboard": 200,
        "contacts": 200,
        "segments": 200,
        "lists": 200,
        "imports": 200,
        "exports": 200,
        "workflows": 200,
        "settings": 200,
    }


def test_a_page_says_where_one_is(administrator_client):
    text = administrator_client.get("/settings/").text
    assert text.count('aria-current="page"') == 1
    assert '<a href="/settings/" aria-current="page">' in text


# The theme


def test_the_theme_is_printed_by_the_server(marketer_client):
    assert 'data-theme="system"' in marketer_client.get("/").text
    response = marketer_client.post("/theme/", {"theme": "dark", "next": "/accounts/password/"})
    assert (response.status_code, response["Location"]) == (303, "/accounts/password/")
    assert 'data-theme="dark"' in marketer_client.get("/").text
    marketer_client.post("/theme/", {"theme": "system"})
    assert 'data-theme="system"' in marketer_client.get("/").text


def test_an_unknown_theme_is_refused_and_not_printed(marketer_client):
    assert marketer_client.post("/theme/", {"theme": "pink"}).status_code == 400
    marketer_client.cookies["theme"] = "pink"
    assert 'data-theme="system"' in marketer_client.get("/").text


def test_choosing_a_theme_never_leads_elsewhere(marketer_client):
    response = marketer_client.post("/theme/", {"theme": "dark", "next": "https://elsewhere.example/"})
    assert response["Location"] == "/"


# Errors


def test_an_unknown_page_has_the_navigation_for_who_is_signed_in(client, marketer_client):
    known, unknown = marketer_client.get("/nowhere/"), client.get("/nowhere/")
    assert (known.status_code, unknown.status_code) == (404, 404)
    assert "This page does not exist" in known.text
    assert "This page does not exist" in unknown.text
    assert 'aria-label="Main"' in known.text
    assert 'aria-label="Main"' not in unknown.text


def test_a_page_without_access_says_so(viewer_client):
    response = viewer_client.get("/settings/")
    assert response.status_code == 403
    assert "Ask an administrator of your account" in response.text


def test_a_form_that_is_out_of_date_says_so(marketer):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(marketer)
    response = strict.post("/theme/", {"theme": "dark"})
    assert response.status_code == 403
    assert "This page was out of date" in response.text


def test_the_page_of_an_internal_error_needs_neither_context_nor_database(django_assert_num_queries):
    with django_assert_num_queries(0):
        text = render_to_string("500.html")
    assert "Something went wrong" in text


def test_the_page_of_a_malformed_request_needs_no_context():
    assert "This request cannot be understood" in render_to_string("400.html")


# Forms


class Example(forms.Form):
    name = forms.CharField(help_text="How colleagues find it.")
    note = forms.CharField(required=False)
    active = forms.BooleanField(required=False, help_text="Switch it on.")
    colours = forms.MultipleChoiceField(
        choices=[("r", "Red"), ("g", "Green")], widget=forms.CheckboxSelectMultiple, help_text="Any number."
    )
    token = forms.CharField(widget=forms.HiddenInput)

    def clean(self) -> None:
        raise forms.ValidationError("All in all wrong.")


def test_labels_help_and_errors_belong_to_their_field():
    html = render_to_string("forms/fields.html", {"form": Example({"token": "t"})})
    assert '<label for="id_name">Name</label>' in html
    assert 'aria-describedby="id_name_helptext id_name_error" id="id_name"' in html
    assert 'aria-invalid="true"' in html
    assert '<div class="help" id="id_name_helptext">How colleagues find it.</div>' in html
    assert '<ul class="errors" id="id_name_error"><li>This field is required.</li></ul>' in html
    assert '<fieldset class="field" aria-describedby="id_colours_helptext id_colours_error">' in html
    assert '<ul class="errors" id="id_colours_error">' in html
    assert "<p>All in all wrong.</p>" in html
    assert html.count('name="token"') == 1


def test_optional_fields_are_marked_on_request():
    assert "(optional)" not in render_to_string("forms/fields.html", {"form": Example()})
    html = render_to_string("forms/fields.html", {"form": Example(), "optional": True})
    assert html.count("(optional)") == 1
    assert '<label for="id_note">Note <span class="optional">(optional)</span></label>' in html


def test_settings_lead_to_fields_and_administration(administrator, administrator_client):
    text = administrator_client.get("/settings/").text
    assert f'href="{reverse("contacts:fields")}"' in text
    assert "<dd>UTC" in text
    assert "/admin/" not in text

    administrator.is_staff = True
    administrator.save()
    text = administrator_client.get("/settings/").text
    for name in ("crm_user", "django_q_schedule", "django_q_failure"):
        assert f'href="{reverse(f"admin:{name}_changelist")}"' in text
