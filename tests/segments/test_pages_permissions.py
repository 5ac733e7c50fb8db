"""Who may open which page of segments, and do what."""

from datetime import datetime
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from crm.models import User
from segments.editing import delete_segment
from tests.conftest import logged_in
from tests.segments.pages import dynamic, people, static

pytestmark = pytest.mark.django_db

READ = {
    "list": "get",
    "detail": "get",
    "state": "get",
    "progress": "get",
    "uses": "get",
    "history": "get",
    "deleted": "get",
}
WRITE = {
    "create": "get",
    "new": "get",
    "preview_of_new": "post",
    "edit": "get",
    "preview": "post",
    "refresh": "post",
    "find": "get",
    "add_member": "post",
    "remove_member": "post",
    "delete": "get",
    "restore": "get",
    "restore_version": "get",
    "copy": "get",
    "snapshot": "get",
    "make_plus": "get",
}


@pytest.fixture
def addresses(now: datetime) -> dict[str, str]:
    [ana] = people("Ana", now=now)
    chosen, filled, gone = static("Chosen", ana, now=now), dynamic("Filled", now=now), static("Gone", now=now)
    delete_segment(gone, now=datetime.now(tz=now.tzinfo))
    args: dict[str, list[Any]] = {
        name: [filled.pk] for name in ("state", "progress", "edit", "preview", "refresh", "uses", "history")
    }
    args |= {name: [filled.pk] for name in ("copy", "snapshot", "make_plus")} | {"restore_version": [filled.pk, 1]}
    args |= {name: [chosen.pk] for name in ("detail", "find", "add_member", "remove_member", "delete")}
    args |= {"restore": [gone.pk], "new": ["dynamic"], "preview_of_new": ["dynamic"]}
    return {name: reverse(f"segments:{name}", args=args.get(name)) for name in READ | WRITE}


def status(client: Client, method: str, address: str) -> int:
    data = {"node": "g::group", "g-match": "all", "contact": "1"} if method == "post" else {}
    return getattr(client, method)(address, data).status_code


@pytest.mark.parametrize(("name", "method"), (READ | WRITE).items())
def test_nobody_sees_anything_without_signing_in(client: Client, addresses: dict[str, str], name: str, method: str):
    response = getattr(client, method)(addresses[name])
    assert (response.status_code, response.url) == (302, f"/accounts/login/?next={addresses[name]}")


@pytest.mark.parametrize(("name", "method"), READ.items())
@pytest.mark.parametrize("role", ["viewer", "marketer", "administrator"])
def test_everybody_with_a_role_reads(user_with_role: Any, addresses: dict[str, str], name: str, method: str, role: str):
    assert status(logged_in(user_with_role(role)), method, addresses[name]) == 200


@pytest.mark.parametrize(("name", "method"), WRITE.items())
def test_viewers_change_nothing(viewer_client: Client, addresses: dict[str, str], name: str, method: str):
    assert status(viewer_client, method, addresses[name]) == 403


@pytest.mark.parametrize(("name", "method"), WRITE.items())
@pytest.mark.parametrize("role", ["marketer", "administrator"])
def test_marketers_work_with_segments(
    user_with_role: Any, addresses: dict[str, str], name: str, method: str, role: str
):
    assert status(logged_in(user_with_role(role)), method, addresses[name]) in (200, 303, 404)


def test_somebody_without_a_role_sees_nothing(addresses: dict[str, str]):
    client = logged_in(User.objects.create_user("nobody"))
    assert {status(client, method, addresses[name]) for name, method in (READ | WRITE).items()} == {403}


def test_viewers_are_offered_no_actions(viewer_client: Client, addresses: dict[str, str]):
    for name in ("list", "detail", "deleted", "history"):
        page = viewer_client.get(addresses[name]).content.decode()
        for action in ("create", "edit", "delete", "refresh", "add_member", "remove_member", "restore", "copy"):
            assert addresses[action] not in page, (name, action)


def test_what_changes_something_is_not_done_by_a_link(marketer_client: Client, addresses: dict[str, str]):
    for name in ("refresh", "add_member", "remove_member", "preview", "preview_of_new"):
        assert marketer_client.get(addresses[name]).status_code == 405


@pytest.mark.parametrize(
    "name", ["detail", "edit", "refresh", "uses", "delete", "restore", "state", "progress", "find"]
)
def test_a_segment_that_is_not_there_is_not_found(marketer_client: Client, name: str):
    address = reverse(f"segments:{name}", args=[999])
    assert status(marketer_client, "post" if name == "refresh" else "get", address) == 404


def test_a_deleted_segment_is_only_found_to_be_restored(marketer_client: Client, now: datetime):
    gone = dynamic("Gone", now=now)
    delete_segment(gone, now=datetime.now(tz=now.tzinfo))
    for name in ("detail", "edit", "uses", "delete", "state", "progress"):
        assert marketer_client.get(reverse(f"segments:{name}", args=[gone.pk])).status_code == 404
    assert marketer_client.get(reverse("segments:restore", args=[gone.pk])).status_code == 200


def test_a_type_that_does_not_exist_is_not_found(marketer_client: Client):
    assert marketer_client.get("/segments/new/nonsense/").status_code == 404
