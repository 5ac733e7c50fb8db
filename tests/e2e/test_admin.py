"""The administrators' site in a browser: every page as it comes, and what is done with segments in their list."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib import admin
from django.urls import reverse
from django.utils import timezone
from django_q.models import Task
from django_q.tasks import async_task
from playwright.sync_api import Page, expect

from campaigns.contents import content_of
from campaigns.outbox import Recipient, queue
from contacts.models import (
    Arrival,
    Change,
    Contact,
    EventRemoval,
    Export,
    ExportDownload,
    Import,
    PropertySet,
    RefusedRow,
    SavedMapping,
    Visitor,
    Watched,
)
from crm.jobs import ensure_schedules
from crm.models import ApiKey, Job, JobLine, User
from segments.models import FacebookAudience, FacebookConnection, FacebookExport, FacebookMember, Segment
from tests.e2e.conftest import PHONE, PICTURES, SCREEN, THEMES
from tests.e2e.conftest import keep_picture as picture
from tests.e2e.shop import fill_segments
from tests.workflows.flows import active, graph
from workflows.engine import tick
from workflows.models import Appointment, Delivery, Incident, Run, Workflow
from workflows.site.contents import Recipient as Viewer
from workflows.site.contents import design_of
from workflows.site.contents import queue as show

SignIn = Callable[[Page, User], None]

KEPT = {
    "index": "index",
    "contacts_contact_changelist": "contacts",
    "contacts_contact_change": "contact",
    "segments_segment_changelist": "segments",
    "segments_segment_change": "segment",
    "workflows_workflow_change": "workflow",
    "workflows_run_changelist": "runs",
    "crm_user_change": "user",
    "crm_job_changelist": "jobs",
    "django_q_schedule_changelist": "schedules",
    "django_q_failure_changelist": "failures",
    "django_q_failure_change": "failure",
}
"""The pages whose pictures are kept."""


WORKFLOWS = (
    *("appointment", "cursor", "delivery", "incident", "run", "step", "version", "webcontent", "webdesign"),
    "workflow",
)
REFUSED = {
    *(f"campaigns_{name}_{what}" for name in ("content", "message") for what in ("add", "delete")),
    *(f"contacts_{name}" for name in ("change_add", "change_delete", "contactfield_delete")),
    *(f"contacts_{name}_{what}" for name in ("arrival", "visitor", "watched") for what in ("add", "delete")),
    *(f"contacts_{name}_{what}" for name in ("event", "eventremoval") for what in ("add", "delete")),
    *(f"contacts_{name}_{what}" for name in ("export", "exportdownload", "propertyset") for what in ("add", "delete")),
    *(f"contacts_{name}_{what}" for name in ("import", "refusedrow", "savedmapping") for what in ("add", "delete")),
    *(f"segments_facebook{name}_add" for name in ("audience", "connection", "export", "member")),
    *(f"segments_facebook{name}_delete" for name in ("audience", "connection", "export", "member")),
    *(f"crm_jobline_{what}" for what in ("add", "delete")),
    *(f"segments_{name}_add" for name in ("refreshrun", "segment", "segmentday", "segmentversion", "transition")),
    *(f"segments_{name}_delete" for name in ("refreshrun", "segmentday", "segmentversion", "transition")),
    *(f"{name}_add" for name in ("crm_apikey", "crm_job", "django_q_failure", "django_q_ormq", "django_q_success")),
    "crm_apikey_delete",
    *(f"workflows_{name}_{what}" for name in WORKFLOWS for what in ("add", "delete")),
}
"""What not even a superuser writes here."""


@pytest.fixture
def records(shop: list[Contact], superuser: User) -> None:
    """Something of everything that the site shows."""
    now = timezone.now()
    fill_segments(superuser, now=now)
    fill_workflows(shop[0], superuser, now=now)
    ensure_schedules()
    for state, done in (("done", 40), ("running", 17), ("failed", 3)):
        error = "No such field: custom.fax" if state == "failed" else ""
        Job.objects.create(
            kind="segments.refresh", title="Refresh", state=state, done=done, total=40, error=error, created_at=now
        )
    for success in (True, False):
        Task.objects.create(
            id=f"{success:032}",
            name="job-7",
            func="crm.jobs.run_job",
            args=(7,),
            kwargs={},
            result=None if success else "Traceback (most recent call last):\n  …\nValueError: no such job",
            started=now,
            stopped=now,
            success=success,
        )
    async_task("crm.jobs.run_job", 8, task_name="job-8")
    Change.objects.create(contact_id=shop[0].pk, key="field:city")
    Arrival.objects.create(contact_id=shop[0].pk, key="event:purchase", event_id=1)
    Watched.objects.create(key="event:purchase")
    Visitor.objects.create(key="laptop", contact=shop[0], since=now)
    EventRemoval.objects.create(before=now - timedelta(days=900), begun_at=now, removed=40_123)
    taken = Export.objects.create(type="contacts", title="Contacts", user=superuser, created_at=now, started_at=now)
    ExportDownload.objects.create(export=taken, user=superuser, at=now)
    PropertySet.objects.create(type="contacts", name="For the printer", user=superuser, saved_at=now)
    JobLine.objects.create(job=Job.objects.all()[0], at=now, text="The worker died.")
    came = Import.objects.create(name="customers.csv", user=superuser, created_at=now)
    RefusedRow.objects.create(import_run=came, line=3, reason="No email.", kind="unknown", cells=["Ada", "Alba"])
    SavedMapping.objects.create(kind="contacts", fingerprint="0" * 64, mapping=[], options={}, used_at=now)
    FacebookConnection.objects.create(account_id="1", account_name="Shop", access_token="x", connected_at=now)
    audience = FacebookAudience.objects.create(
        segment=Segment.objects.all()[0], account_id="1", audience_id="2", name="Loyal", created_at=now
    )
    FacebookMember.objects.create(audience=audience, contact=shop[0], contact_updated_at=now)
    FacebookExport.objects.create(kind="send", audience=audience, user=superuser, started_at=now)
    letter = content_of({"subject": "Hello", "body": "Welcome"}, name="Welcome", source="workflow:1:n1", now=now)
    queue(letter, [Recipient("run:1:1", shop[0].pk)], now=now)
    ApiKey.objects.create(name="Shop", prefix="mk_shop", digest="0" * 64, scopes=["events:write"], created_at=now)


def fill_workflows(contact: Contact, user: User, *, now: datetime) -> None:
    """A workflow in which something of everything happened to a contact."""
    workflow = active("Welcome", graph({"end": ("end", {})}, "start > end"), now=now)
    tick(now=now)
    run = Run.objects.filter(contact=contact)[0]
    Delivery.objects.create(run=run, node="end", kind="webhook", key="run:1:1", due_at=now, created_at=now)
    Incident.objects.create(run=run, node="end", text="The shop did not answer.", at=now, closed_at=now, closed_by=user)
    Appointment.objects.create(version=run.version, node="end", due_at=now + timedelta(days=1))
    design = design_of({"title": "Welcome", "html": "<p>10 % off</p>"}, name="Popup", source="workflow:1:n1", now=now)
    show(design, [Viewer("run:1:1", contact.pk)], now=now)
    Workflow.objects.filter(pk=workflow.pk).update(folder="Onboarding", updated_by=user)


def addresses() -> dict[str, str]:
    """The address of every page: the lists, the first object of each, its deletion and a new one."""
    found = {"index": reverse("admin:index"), "password": reverse("admin:password_change")}
    for model in admin.site._registry:
        name = f"{model._meta.app_label}_{model._meta.model_name}"
        first = model._default_manager.order_by("pk")[0]
        found |= {f"{name}_{page}": reverse(f"admin:{name}_{page}") for page in ("changelist", "add")}
        found |= {f"{name}_{page}": reverse(f"admin:{name}_{page}", args=[first.pk]) for page in ("change", "delete")}
    return found


def test_every_page_comes_without_errors_and_asks_nobody_else(
    page: Page, records: None, superuser: User, sign_in: SignIn, expected_errors: list[str]
):
    hosts, unanswered = set(), []
    page.on("request", lambda asked: hosts.add(urlsplit(asked.url).hostname))
    page.on("response", lambda answer: unanswered.append(answer.url) if answer.status == 404 else None)
    sign_in(page, superuser)
    expected_errors.append("status of 403")
    refused = set()
    for name, address in addresses().items():
        response = page.goto(address)
        assert response is not None
        assert response.status in (200, 403), address
        if response.status == 403:
            refused.add(name)
    assert refused == REFUSED
    assert unanswered == []
    assert len(hosts - {None}) == 1


# The theme reads what the system prefers only when a page comes, and does not change how wide it is.
@pytest.mark.parametrize("theme", THEMES if PICTURES else THEMES[:1])
@pytest.mark.parametrize("device", [SCREEN, PHONE], ids=["screen", "phone"])
def test_pages_fit_on_a_screen_and_on_a_phone(
    new_page: Callable[..., Page], device: dict[str, Any], theme: str, records: None, superuser: User, sign_in: SignIn
):
    page = new_page(**device, color_scheme=theme)
    sign_in(page, superuser)
    pages = addresses()
    suffix = ("-phone" if device is PHONE else "") + ("-dark" if theme == "dark" else "")
    for name, picture_name in KEPT.items():
        page.goto(pages[name])
        too_wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert too_wide <= 0, f"{page.url} is {too_wide} pixels too wide"
        picture(page, f"admin-{picture_name}{suffix}")


def open_menu_of(page: Page, segment: str) -> None:
    row = page.locator("tr.data-row").filter(has_text=segment)
    row.get_by_text("more_horiz").click()


def choose(page: Page, action: str) -> None:
    page.locator("nav:visible").get_by_role("link", name=re.compile(f"{action}$")).click()


def test_refresh_delete_and_restore_a_segment_from_the_list(
    page: Page, records: None, superuser: User, sign_in: SignIn
):
    sign_in(page, superuser)
    page.goto(reverse("admin:segments_segment_changelist"))
    open_menu_of(page, "Customers abroad")
    picture(page, "admin-segments-menu")
    choose(page, "Refresh")
    dialog = page.locator("#dialog")
    expect(dialog).to_contain_text("Who belongs to it will be worked out anew")
    picture(page, "admin-segments-refresh")
    dialog.get_by_role("button", name="Refresh").click()
    expect(page.locator("#main")).to_contain_text(re.compile(r"“Customers abroad” has \d+ contacts now"))

    open_menu_of(page, "Trade fair leads 2026")
    choose(page, "Delete")
    expect(page.get_by_role("alert")).to_contain_text("Fair leads to call")
    picture(page, "admin-segments-delete")
    page.get_by_label("Delete all the same").check()
    page.get_by_role("button", name="Yes, I’m sure").click()
    expect(page.locator("#result_list")).not_to_contain_text("Trade fair leads 2026")
    assert Segment.objects.get(name="Trade fair leads 2026").deleted_by == superuser

    page.locator("a", has_text="Filters").click()
    picture(page, "admin-segments-filters")
    page.goto(f"{reverse('admin:segments_segment_changelist')}?deleted=yes")
    open_menu_of(page, "Trade fair leads 2026")
    choose(page, "Restore")
    page.locator("#dialog").get_by_role("button", name="Restore").click()
    expect(page.locator("#main")).to_contain_text("“Trade fair leads 2026” is in use again")
    assert Segment.objects.live().filter(name="Trade fair leads 2026").exists()


def test_edit_a_contact_and_find_a_list_by_its_name(page: Page, records: None, superuser: User, sign_in: SignIn):
    sign_in(page, superuser)
    amelia = Contact.objects.get(first_name="Amelia")
    page.goto(reverse("admin:contacts_contact_change", args=[amelia.pk]))
    page.get_by_label("City").fill("Bath")
    page.get_by_label("Tier").select_option("Gold")
    page.get_by_role("link", name="Add another List membership").click()
    row = page.locator(".form-row:not(.has_original):visible, tbody.form-group:not(.has_original):visible").last
    row.get_by_role("combobox").click()
    page.get_by_role("searchbox").last.fill("works")
    page.get_by_role("option", name="Workshop invitations").click()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#main")).to_contain_text("was changed successfully")
    amelia.refresh_from_db()
    assert (amelia.city, amelia.custom["tier"]) == ("Bath", "gold")
    assert amelia.list_memberships.filter(list__name="Workshop invitations").exists()
