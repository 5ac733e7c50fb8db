"""The administrators' site: what it shows to whom, what its tables cost, and users, jobs and tasks."""

import re
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone
from django_q.models import Failure, OrmQ, Schedule, Success, Task
from django_q.tasks import async_task

from contacts.models import Contact, ContactImport
from crm.model_admin import BoundedPaginator
from crm.models import Job, User
from segments.models import Membership
from tests.conftest import PASSWORD, logged_in
from workflows.models import Count

pytestmark = pytest.mark.django_db

NumQueries = Callable[[int], object]
OURS = ("crm", "contacts", "segments", "campaigns", "workflows")


@pytest.fixture
def staff(administrator: User) -> Client:
    """An administrator whom the administrators' site lets in."""
    administrator.is_staff = True
    administrator.save()
    return logged_in(administrator)


def listed(client: Client, name: str, **query: str) -> set[str]:
    """What the rows of a list say of their objects."""
    response = client.get(reverse(f"admin:{name}_changelist"), query)
    assert response.status_code == 200
    return {str(row) for row in response.context["cl"].result_list}


# The site


def test_every_model_is_there_but_those_that_have_no_single_key():
    ours = {model for app in OURS for model in apps.get_app_config(app).get_models()}
    of_the_worker = {Schedule, Success, Failure, OrmQ}
    assert {model for model in ours | {Group} | of_the_worker if not admin.site.is_registered(model)} == {
        ContactImport,
        Count,
        Membership,
    }


def test_the_page_asks_nobody_else_for_anything(superuser_client):
    page = superuser_client.get(reverse("admin:index")).content.decode()
    assert re.findall(r"(?:href|src)=[\"'](?:https?:)?//[^\"']*", page) == []
    assert "Muster administration" in page
    assert "img/favicon" in page


def navigation(client: Client) -> dict[str, list[str]]:
    groups = client.get(reverse("admin:index")).context["sidebar_navigation"]
    return {str(group.get("title", "")): [str(item["title"]) for item in group["items"]] for group in groups}


def test_the_navigation_has_every_area_and_the_way_back(superuser_client):
    assert navigation(superuser_client) == {
        "": ["Back to Muster", "Overview"],
        "Contacts": [
            *("Contacts", "Contact fields", "Lists", "List memberships", "Events"),
            *("Imports", "Refused rows", "Saved mappings"),
            *("Exports", "Downloads of exports", "Sets of properties"),
        ],
        "Segments": [
            *("Segments", "Versions of segments", "Transitions", "Days of segments", "Refresh runs"),
            *("Facebook connections", "Facebook audiences", "Members of Facebook audiences", "Exports to Facebook"),
            "Changes",
        ],
        "Workflows": [
            *("Workflows", "Versions of workflows", "Runs", "Steps", "Deliveries", "Incidents"),
            *("Web contents", "Web contents for contacts"),
        ],
        "Campaigns": ["Contents of emails", "Messages"],
        "Background work": [
            "Jobs",
            "Lines of jobs' logs",
            "Scheduled tasks",
            "Queued tasks",
            "Successful tasks",
            "Failed tasks",
        ],
        "Access": ["Users", "Groups", "API keys"],
    }


def test_the_navigation_leaves_out_what_somebody_may_not_see(marketer):
    marketer.is_staff = True
    marketer.save()
    found = navigation(logged_in(marketer))
    versions = "Versions of segments"
    facebook = "Exports to Facebook"
    assert found["Segments"] == ["Segments", versions, "Transitions", "Days of segments", "Refresh runs", facebook]
    assert found["Workflows"] == ["Workflows", "Runs", "Incidents", "Web contents", "Web contents for contacts"]
    assert found["Background work"] == ["Jobs"]
    assert found["Access"] == []


def test_the_areas_are_in_the_order_of_the_pages(superuser_client):
    areas = superuser_client.get(reverse("admin:index")).context["app_list"]
    labels = ["contacts", "segments", "workflows", "campaigns", "crm", "auth", "django_q"]
    assert [area["app_label"] for area in areas] == labels


@pytest.mark.parametrize(("chosen", "theme"), [("dark", "dark"), ("light", "light"), ("system", None), ("pink", None)])
def test_the_theme_is_the_one_chosen_on_the_pages(superuser_client, chosen, theme):
    superuser_client.cookies["theme"] = chosen
    assert superuser_client.get(reverse("admin:index")).context["theme"] == theme


def test_the_relaxed_policy_is_on_every_page_of_the_site_and_on_no_other(superuser_client):
    contact = Contact.objects.create()
    pages = [
        reverse("admin:contacts_contact_changelist"),
        reverse("admin:contacts_contact_change", args=[contact.pk]),
        reverse("admin:contacts_contact_anonymise", args=[contact.pk]),
        reverse("admin:crm_user_add"),
    ]
    policies = {superuser_client.get(page)["Content-Security-Policy"] for page in pages}
    assert len(policies) == 1
    assert "script-src 'self' 'unsafe-inline' 'unsafe-eval'" in policies.pop()
    for page in (reverse("contacts:list"), reverse("segments:list"), reverse("settings")):
        assert "unsafe" not in superuser_client.get(page)["Content-Security-Policy"]


# Tables


def make_job(number: int) -> None:
    user = User.objects.create(username=f"user-{number}")
    Job.objects.create(kind="test", title=f"Job {number}", created_at=timezone.now(), user=user)


def make_user(number: int) -> None:
    User.objects.create(username=f"user-{number}").groups.add(Group.objects.create(name=f"group-{number}"))


def make_schedule(number: int) -> None:
    task = make_task(number, success=True)
    Schedule.objects.create(name=f"schedule-{number}", func="segments.tasks.audit", task=task.pk)


def make_task(number: int, *, success: bool) -> Task:
    moment = datetime(2026, 3, 1, 12, number, tzinfo=UTC)
    return Task.objects.create(
        id=f"{number:032}",
        name=f"task-{number}",
        func="segments.tasks.audit",
        args=(),
        kwargs={},
        result=None if success else "Traceback\n  in this line",
        started=moment,
        stopped=moment,
        success=success,
    )


# Two queries are the session and its user.
LISTS = {
    "crm_job": (make_job, 4),
    "crm_user": (make_user, 6),  # the groups to filter by, and those of the users
    "auth_group": (lambda number: Group.objects.create(name=f"group-{number}"), 4),
    "django_q_schedule": (make_schedule, 4),
    "django_q_success": (lambda number: make_task(number, success=True), 4),
    "django_q_failure": (lambda number: make_task(number, success=False), 4),
    "django_q_ormq": (lambda number: async_task("segments.tasks.audit"), 4),
}


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("name", LISTS)
def test_a_list_costs_the_same_for_any_number_of_rows(superuser_client, django_assert_num_queries, name, rows):
    make, queries = LISTS[name]
    for number in range(rows):
        make(number)
    with django_assert_num_queries(queries):
        response = superuser_client.get(reverse(f"admin:{name}_changelist"))
    assert response.context["cl"].result_count >= rows


def test_a_table_is_counted_and_leafed_through_up_to_a_bound(monkeypatch):
    monkeypatch.setattr(BoundedPaginator, "LARGEST_COUNT", 4)
    for number in range(5):
        Contact.objects.create(external_id=str(number))
    pages = BoundedPaginator(Contact.objects.order_by("id"), 2)
    assert (pages.count, pages.num_pages, pages.has_more) == (4, 2, True)
    Contact.objects.order_by("id")[0].delete()
    pages = BoundedPaginator(Contact.objects.order_by("id"), 2)
    assert (pages.count, pages.num_pages, pages.has_more) == (4, 2, False)


def test_the_page_says_that_there_is_more(superuser_client, monkeypatch):
    monkeypatch.setattr(BoundedPaginator, "LARGEST_COUNT", 2)
    for number in range(3):
        Contact.objects.create(external_id=str(number))
    page = superuser_client.get(reverse("admin:contacts_contact_changelist")).content.decode()
    assert "more than 2 contacts: search or filter to reach the others" in page


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ({"created_at_from": "2026-03-02", "created_at_to": "2026-03-02"}, {"first", "last"}),
        ({"created_at_from": "2026-03-03"}, {"after"}),
        ({"created_at_to": "2026-03-01"}, {"before"}),
        ({"created_at_from": "nonsense"}, {"before", "first", "last", "after"}),
    ],
)
def test_days_are_whole_days_of_the_accounts_time_zone(superuser_client, settings, query, titles):
    settings.TIME_ZONE = "Europe/Madrid"
    moments = {
        "before": datetime(2026, 3, 1, 22, 59, tzinfo=UTC),
        "first": datetime(2026, 3, 1, 23, 0, tzinfo=UTC),
        "last": datetime(2026, 3, 2, 22, 59, tzinfo=UTC),
        "after": datetime(2026, 3, 2, 23, 0, tzinfo=UTC),
    }
    for title, moment in moments.items():
        Job.objects.create(kind="test", title=title, created_at=moment)
    assert listed(superuser_client, "crm_job", **query) == titles


# Users


def test_create_a_user_and_give_a_role(superuser_client):
    password = "a long and winding road"
    new = {"username": "nora", "email": "nora@example.com", "usable_password": "true"}
    response = superuser_client.post(
        reverse("admin:crm_user_add"), new | {"password1": password, "password2": password}
    )
    nora = User.objects.get(username="nora")
    assert response["Location"] == reverse("admin:crm_user_change", args=[nora.pk])
    assert nora.check_password(password)
    values = {"username": "nora", "email": "nora@example.com", "is_active": "on"}
    values |= {"groups": [str(Group.objects.get(name="marketer").pk)]}
    response = superuser_client.post(reverse("admin:crm_user_change", args=[nora.pk]), values)
    assert response.status_code == 302, response.context["errors"]
    assert [group.name for group in nora.groups.all()] == ["marketer"]
    assert listed(superuser_client, "crm_user", q="nora") == {"nora"}


def test_set_a_password(staff, viewer):
    password = "another long and winding road"
    url = reverse("admin:auth_user_password_change", args=[viewer.pk])
    assert staff.get(url).status_code == 200
    staff.post(url, {"usable_password": "true", "password1": password, "password2": password})
    viewer.refresh_from_db()
    assert viewer.check_password(password)


def test_an_administrator_cannot_become_a_superuser(staff, administrator):
    permission = Permission.objects.get(codename="add_group")
    values = {"username": "administrator", "is_active": "on", "is_staff": "on", "is_superuser": "on"}
    values |= {"user_permissions": [str(permission.pk)], "groups": [str(administrator.groups.get().pk)]}
    response = staff.post(reverse("admin:crm_user_change", args=[administrator.pk]), values)
    assert response.status_code == 302
    administrator.refresh_from_db()
    assert not administrator.is_superuser
    assert not administrator.user_permissions.exists()


def test_an_administrator_does_not_touch_superusers(staff, superuser):
    password = {"usable_password": "true", "password1": "a quite new password", "password2": "a quite new password"}
    change = reverse("admin:crm_user_change", args=[superuser.pk])
    assert staff.post(change, {"username": "mine"}).status_code == 403
    assert staff.post(reverse("admin:auth_user_password_change", args=[superuser.pk]), password).status_code == 403
    assert staff.post(reverse("admin:crm_user_delete", args=[superuser.pk]), {"post": "yes"}).status_code == 403
    superuser.refresh_from_db()
    assert superuser.username == "superuser"
    assert superuser.check_password(PASSWORD)


def test_nobody_deletes_themselves(superuser_client, superuser):
    selected = {"action": "delete_selected", "_selected_action": [str(superuser.pk)], "post": "yes"}
    assert superuser_client.post(reverse("admin:crm_user_changelist"), selected).status_code == 403
    assert User.objects.filter(pk=superuser.pk).exists()


def test_deleting_a_user_says_what_goes_with_them(superuser_client, viewer):
    make_job(1)
    Job.objects.update(user=viewer)
    page = superuser_client.get(reverse("admin:crm_user_delete", args=[viewer.pk]))
    assert dict(page.context["model_count"]) == {"users": 1}
    superuser_client.post(reverse("admin:crm_user_delete", args=[viewer.pk]), {"post": "yes"})
    assert [job.user for job in Job.objects.all()] == [None]


def test_what_an_administrator_may_do_with_each_model(staff, administrator):
    request = RequestFactory().get("/")
    request.user = administrator
    may = {
        model._meta.label: {action for action, allowed in model_admin.get_model_perms(request).items() if allowed}
        for model, model_admin in admin.site._registry.items()
    }
    everything = {"add", "change", "delete", "view"}
    assert may == {
        "auth.Group": {"view"},
        "campaigns.Content": {"view"},
        "campaigns.Message": {"view"},
        "contacts.Arrival": {"view"},
        "contacts.Visitor": {"view"},
        "contacts.Watched": {"view"},
        "contacts.Change": {"view"},
        "contacts.Contact": everything,
        "contacts.ContactField": {"add", "change", "view"},
        "contacts.ContactList": everything,
        "contacts.Event": {"view"},
        "contacts.EventRemoval": {"view"},
        "contacts.Export": {"view"},
        "contacts.Import": {"view"},
        "contacts.RefusedRow": {"view"},
        "contacts.SavedMapping": {"view"},
        "contacts.ExportDownload": {"view"},
        "contacts.PropertySet": {"view"},
        "contacts.ListMembership": everything,
        "crm.ApiKey": {"view"},
        "crm.Job": {"view", "delete"},
        "crm.JobLine": {"view"},
        "crm.User": everything,
        "django_q.Failure": {"view", "delete"},
        "django_q.OrmQ": {"view", "delete"},
        "django_q.Schedule": {"change", "delete", "view"},
        "django_q.Success": {"view", "delete"},
        "segments.FacebookAudience": {"view"},
        "segments.FacebookConnection": {"view"},
        "segments.FacebookExport": {"view"},
        "segments.FacebookMember": {"view"},
        "segments.RefreshRun": {"view"},
        "segments.Segment": {"change", "delete", "view"},
        "segments.SegmentDay": {"view"},
        "segments.SegmentVersion": {"view"},
        "segments.Transition": {"view"},
        "workflows.Appointment": {"view"},
        "workflows.Cursor": {"view"},
        "workflows.Delivery": {"view"},
        "workflows.Incident": {"view"},
        "workflows.Run": {"view"},
        "workflows.Step": {"view"},
        "workflows.Version": {"view"},
        "workflows.WebContent": {"view"},
        "workflows.WebDesign": {"view"},
        "workflows.Workflow": {"view"},
    }


# Background work


def test_only_what_is_over_is_deleted(superuser_client, now):
    states = {state: Job.objects.create(kind="test", title=state, state=state, created_at=now) for state in Job.State}
    for state, job in states.items():
        response = superuser_client.post(reverse("admin:crm_job_delete", args=[job.pk]), {"post": "yes"})
        assert response.status_code == (302 if job.is_over else 403), state
    assert set(Job.objects.values_list("state", flat=True)) == {"queued", "running"}


def test_a_job_shows_its_error_in_lines(superuser_client, now):
    job = Job.objects.create(kind="test", title="Broken", state="failed", error="one <b>\ntwo", created_at=now)
    page = superuser_client.get(reverse("admin:crm_job_change", args=[job.pk])).content.decode()
    assert "one &lt;b&gt;\ntwo</pre>" in page


def test_a_failed_task_goes_into_the_queue_again(staff):
    task = make_task(1, success=False)
    assert "in this line" in staff.get(reverse("admin:django_q_failure_change", args=[task.pk])).content.decode()
    selected = {"action": "run_again", "_selected_action": [task.pk]}
    response = staff.post(reverse("admin:django_q_failure_changelist"), selected, follow=True)
    assert [str(message) for message in response.context["messages"]] == ["1 task is in the queue again."]
    assert [queued.func() for queued in OrmQ.objects.all()] == ["segments.tasks.audit"]
    assert not Failure.objects.exists()


def test_a_successful_task_can_run_again_too(staff):
    task = make_task(1, success=True)
    staff.post(reverse("admin:django_q_success_changelist"), {"action": "run_again", "_selected_action": [task.pk]})
    assert OrmQ.objects.count() == 1
    assert Success.objects.count() == 1


def test_a_queued_task_is_shown_and_can_be_taken_out(staff):
    async_task("segments.tasks.audit", task_name="nightly")
    queued = OrmQ.objects.get()
    assert "nightly" in staff.get(reverse("admin:django_q_ormq_change", args=[queued.pk])).content.decode()
    staff.post(reverse("admin:django_q_ormq_delete", args=[queued.pk]), {"post": "yes"})
    assert not OrmQ.objects.exists()


def test_administrators_say_when_a_schedule_runs_and_superusers_what(staff, superuser_client, now):
    schedule = Schedule.objects.create(
        name="mine", func="segments.tasks.audit", schedule_type="I", minutes=1, next_run=now
    )
    url = reverse("admin:django_q_schedule_change", args=[schedule.pk])
    values = {"name": "mine", "func": "os.abort", "schedule_type": "I", "minutes": "5", "repeats": "-1", "cron": ""}
    values |= {"next_run_0": "2026-04-01", "next_run_1": "12:00:00"}
    response = staff.post(url, values)
    assert response.status_code == 302, response.context["errors"]
    schedule.refresh_from_db()
    assert (schedule.minutes, schedule.func) == (5, "segments.tasks.audit")
    assert staff.get(reverse("admin:django_q_schedule_add")).status_code == 403
    superuser_client.post(url, values | {"func": "segments.tasks.clean_up"})
    schedule.refresh_from_db()
    assert schedule.func == "segments.tasks.clean_up"


@pytest.mark.parametrize(
    ("timing", "words"),
    [
        ({"schedule_type": "I", "minutes": 1}, "every minute"),
        ({"schedule_type": "I", "minutes": 15}, "every 15 minutes"),
        ({"schedule_type": "C", "cron": "30 2 * * *"}, "30 2 * * *"),
        ({"schedule_type": "D"}, "Daily"),
    ],
)
def test_a_schedule_says_when_it_runs(superuser_client, timing, words):
    Schedule.objects.create(name="mine", func="segments.tasks.audit", **timing)
    assert words in superuser_client.get(reverse("admin:django_q_schedule_changelist")).content.decode()


def test_the_last_run_of_a_schedule_is_a_link_to_its_task(superuser_client):
    make_schedule(1)
    page = superuser_client.get(reverse("admin:django_q_schedule_changelist")).content.decode()
    assert reverse("admin:django_q_success_change", args=[f"{1:032}"]) in page
