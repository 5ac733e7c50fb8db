"""The pages of workflows besides the canvas: gallery, list, test, dry run, live view and the path of a contact."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db.models import QuerySet
from django.utils import timezone
from playwright.sync_api import Page, expect

from contacts.models import Contact
from crm.models import Job, User
from segments.editing import create_segment
from segments.membership import add
from segments.models import Cause, Segment
from tests.workflows.flows import active, graph
from workflows import engine
from workflows.models import Run, Workflow
from workflows.testing import do_test

pytestmark = pytest.mark.django_db(transaction=True)


def first_two() -> QuerySet[Contact]:
    return Contact.objects.filter(pk__in=list(Contact.objects.order_by("pk").values_list("pk", flat=True)[:2]))


def at_work() -> Workflow:
    """A workflow with contacts at several nodes, and some that failed."""
    now = timezone.now() - timedelta(hours=6)
    segment, gone = (create_segment(name=name, kind="static", now=now) for name in ("Guests", "Gone"))
    add(segment, first_two(), now=now, cause=Cause.HAND)
    nodes = {
        "q": ("is_in_segment", {"segment": segment.pk}),
        "w": ("wait", {"until": "span", "count": 2, "unit": "days"}),
        "p": ("add_points", {"points": 5}),
        "a": ("add_to_segment", {"segment": gone.pk}),
    }
    stored = graph(nodes, "start > q", "q.yes > w", "q.no > p", "p > a")
    for node, (x, y) in zip(stored["nodes"], [(80, 140), (368, 140), (656, 60), (656, 240), (944, 240)], strict=True):
        node |= {"x": x, "y": y}
    workflow = active("Greet guests", stored, now=now)
    Segment.objects.filter(pk=gone.pk).update(deleted_at=now)
    for hours in range(6):
        engine.tick(now=now + timedelta(hours=hours))
    return workflow


def test_the_pages_of_workflows(
    page: Page,
    phone: Page,
    mara: User,
    shop: list[Contact],
    sign_in: Callable[[Page, User], None],
    shot: Callable[..., None],
    axe: Callable[..., None],
) -> None:
    workflow = at_work()
    us = create_segment(name="Us", kind="static", is_test=True, now=timezone.now())
    add(us, first_two(), now=timezone.now(), cause=Cause.HAND)
    sign_in(page, mara)
    sign_in(phone, mara)

    # A template becomes a workflow.
    page.goto("/workflows/")
    axe(page)
    shot(page, "workflows")
    page.get_by_role("link", name="Workflow templates").click()
    expect(page.get_by_role("heading", name="Interested in office furniture")).to_be_visible()
    axe(page)
    shot(page, "workflow-templates")
    page.get_by_role("link", name="Interested in office furniture").click()
    axe(page)
    shot(page, "workflow-template")
    page.get_by_role("button", name="Use this template").click()
    expect(page.get_by_text("is a draft of yours now")).to_be_visible()
    draft = Workflow.objects.get(name="Interested in office furniture")

    # Dry run: a path of which nothing remains.
    email = Contact.objects.exclude(email=None).order_by("pk").values_list("email", flat=True)[0]
    page.goto(f"/workflows/{draft.pk}/dry-run/")
    page.get_by_role("textbox", name="Contact").fill(email or "")
    page.get_by_role("button", name="Show path").click()
    expect(page.get_by_text("Added to “Interested in office furniture”")).to_be_visible()
    axe(page)
    shot(page, "workflow-dry-run")
    assert not Run.objects.filter(workflow=draft).exists()

    # A test, step by step as it happens.
    page.goto(f"/workflows/{draft.pk}/test/")
    axe(page)
    shot(page, "workflow-test-form")
    page.get_by_label("Test segment").select_option("Us")
    page.get_by_role("button", name="Start test").click()
    expect(page.get_by_text("Nobody has set out yet")).to_be_visible()
    job = Job.objects.get()
    do_test(job, now=timezone.now())
    Job.objects.filter(pk=job.pk).update(state=Job.State.DONE)
    expect(page.get_by_text("Added to “Interested in office furniture”").first).to_be_visible()
    axe(page)
    shot(page, "workflow-test")

    # The live view leads to contacts and their paths.
    page.goto(f"/workflows/{workflow.pk}/live/")
    expect(page.get_by_role("heading", name="Incidents")).to_be_visible()
    axe(page)
    shot(page, "workflow-live")
    page.get_by_role("link", name="2 here: Wait").focus()
    with page.expect_response(lambda response: "/live/" in response.url):
        pass
    expect(page.get_by_role("link", name="2 here: Wait")).to_be_focused()
    page.keyboard.press("Enter")
    axe(page)
    shot(page, "workflow-contacts")
    page.get_by_role("link", name="Path").first.click()
    expect(page.get_by_text("Here now")).to_be_visible()
    axe(page)
    shot(page, "workflow-path")
    page.get_by_role("link", name="Profile").click()
    expect(page.get_by_role("link", name="Greet guests", exact=True)).to_be_visible()
    page.goto(f"/workflows/{workflow.pk}/live/")
    page.get_by_role("button", name="Leave all").click()
    expect(page.get_by_role("heading", name="Incidents")).to_have_count(0)

    for name, address in (
        ("workflows", "/workflows/"),
        ("workflow-templates", "/workflows/templates/"),
        ("workflow-live", f"/workflows/{workflow.pk}/live/"),
    ):
        phone.goto(address)
        axe(phone, themes=["light"])
        shot(phone, name)

    # Deleting says who is inside.
    page.goto(f"/workflows/{workflow.pk}/delete/")
    expect(page.get_by_text("2 contacts are in it")).to_be_visible()
    page.get_by_role("button", name="Delete workflow").click()
    expect(page.get_by_text("“Greet guests” was deleted.")).to_be_visible()
