"""Roles, what they may do, and how views are guarded."""

import pytest
from django.contrib.auth.models import AnonymousUser, Group, Permission
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django_htmx.middleware import HtmxDetails

from crm.models import User
from crm.roles import ADMINISTRATOR, MARKETER, ROLES, VIEWER, grant, requires

pytestmark = pytest.mark.django_db

OURS = {"contacts", "segments", "crm"}


def permissions_of(role: str) -> set[str]:
    permissions = Permission.objects.filter(group__name=role).select_related("content_type")
    return {f"{permission.content_type.app_label}.{permission.codename}" for permission in permissions}


@pytest.mark.parametrize("role", ROLES)
def test_the_migrations_give_each_role_exactly_its_permissions(role):
    assert permissions_of(role) == ROLES[role]


def test_each_role_may_what_the_one_before_may():
    assert ROLES[VIEWER] < ROLES[MARKETER] < ROLES[ADMINISTRATOR]


def test_viewers_only_look():
    assert {permission.split(".")[1].split("_")[0] for permission in ROLES[VIEWER]} == {"view"}


def test_marketers_change_contacts_lists_and_segments_import_and_export():
    assert ROLES[MARKETER] - ROLES[VIEWER] == {
        f"{app}.{action}_{model}"
        for action in ("add", "change", "delete")
        for app, model in [
            ("contacts", "contact"),
            ("contacts", "contactlist"),
            ("contacts", "listmembership"),
            ("segments", "membership"),
            ("segments", "segment"),
            ("workflows", "workflow"),
        ]
    } | {f"contacts.{action}_{model}" for action in ("view", "add") for model in ("export", "import")} | {
        f"contacts.view_{model}" for model in ("contactimport", "propertyset", "refusedrow", "savedmapping")
    } | {"segments.view_facebookexport", "segments.add_facebookexport", "contacts.add_contactfield"} | {
        "workflows.view_incident",
        "workflows.change_incident",
    } | {"campaigns.change_message"}


def test_administrators_see_everything_of_ours():
    every_model = {
        f"{permission.content_type.app_label}.{permission.codename}"
        for permission in Permission.objects.filter(
            content_type__app_label__in=OURS, codename__startswith="view_"
        ).select_related("content_type")
    }
    assert every_model <= ROLES[ADMINISTRATOR]


def test_granting_again_changes_nothing_and_keeps_what_was_added():
    from django.apps import apps

    viewers = Group.objects.get(name=VIEWER)
    viewers.permissions.add(Permission.objects.get(codename="add_contact"))
    grant(apps, "contacts", "crm", "segments", using=connection.alias)
    assert permissions_of(VIEWER) == ROLES[VIEWER] | {"contacts.add_contact"}
    assert Group.objects.count() == 3


@requires("contacts.view_contact", "segments.view_segment")
def guarded(request: HttpRequest) -> HttpResponse:
    return HttpResponse("here you are")


def request_of(user: User | AnonymousUser, path: str = "/some/page/?q=1", **headers: str) -> HttpRequest:
    request = RequestFactory().get(path, headers=headers)
    request.user = user
    request.htmx = HtmxDetails(request)
    return request


def test_who_has_every_permission_passes(viewer):
    assert guarded(request_of(viewer)).content == b"here you are"


def test_who_lacks_one_permission_is_refused(db):
    user = User.objects.create_user("half")
    user.user_permissions.add(Permission.objects.get(codename="view_contact"))
    with pytest.raises(PermissionDenied):
        guarded(request_of(user))


def test_who_is_not_signed_in_goes_to_the_login_page_and_comes_back():
    response = guarded(request_of(AnonymousUser()))
    assert response.status_code == 302
    assert response["Location"] == "/accounts/login/?next=/some/page/%3Fq%3D1"


def test_a_fragment_sends_the_whole_page_to_the_login_page():
    request = request_of(
        AnonymousUser(), "/fragment/", HX_Request="true", HX_Current_URL="http://testserver/whole/page/"
    )
    response = guarded(request)
    assert response.status_code == 200
    assert response["HX-Redirect"] == "/accounts/login/?next=/whole/page/"


def test_a_fragment_shown_elsewhere_does_not_lead_back_to_there():
    request = request_of(AnonymousUser(), "/fragment/", HX_Request="true", HX_Current_URL="https://elsewhere.example/x")
    assert guarded(request)["HX-Redirect"] == "/accounts/login/?next=/"


def test_without_permissions_being_signed_in_is_enough(db):
    view = requires()(lambda request: HttpResponse("welcome"))
    assert view(request_of(User.objects.create_user("somebody"))).content == b"welcome"
    assert view(request_of(AnonymousUser())).status_code == 302
