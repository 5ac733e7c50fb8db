"""The live view: figures, the contacts behind them, paths, incidents."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from contacts.models import Contact
from segments.editing import create_segment
from segments.membership import add
from segments.models import Cause, Segment
from tests.segments.pages import text_of
from tests.workflows.flows import active, graph, people
from workflows import engine
from workflows.models import Incident, Run, Workflow
from workflows.views import live

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
WAIT = ("wait", {"until": "span", "count": 1, "unit": "days"})


def asked(number: int) -> tuple[Workflow, list[Contact]]:
    """A workflow in which the first contact waits, and all others have come to an end."""
    contacts = people(number, now=NOON)
    segment = create_segment(name="Guests", kind="static", now=NOON)
    add(segment, Contact.objects.filter(pk=contacts[0].pk), now=NOON, cause=Cause.HAND)
    stored = graph(
        {"q": ("is_in_segment", {"segment": segment.pk}), "w": WAIT, "e": ("end", {})},
        "start > q",
        "q.yes > w",
        "q.no > e",
    )
    workflow = active("Welcome", stored, now=NOON)
    engine.tick(now=NOON)
    return workflow, contacts


def broken() -> Workflow:
    """A workflow with two contacts that failed, because a segment is gone."""
    people(2, now=NOON)
    segment = create_segment(name="Guests", kind="static", now=NOON)
    workflow = active("Broken", graph({"a": ("add_to_segment", {"segment": segment.pk})}, "start > a"), now=NOON)
    Segment.objects.filter(pk=segment.pk).update(deleted_at=NOON)
    for hours in range(0, 12, 2):
        engine.tick(now=NOON + timedelta(hours=hours))
    Segment.objects.filter(pk=segment.pk).update(deleted_at=None)
    return workflow


def picture_of(response: Any) -> str:
    """The picture in the live view."""
    html: str = response.content.decode()
    return html[html.index('<svg class="graph-picture live"') : html.index('id="live-steps"')]


def test_figures_lead_to_the_contacts_behind_them(marketer_client: Client):
    workflow, contacts = asked(3)
    address = f"/workflows/{workflow.pk}/live/"
    text = text_of(marketer_client.get(address))
    assert "Is in segment Guests 0 3 passed Is in segment Yes 1 · No 2 0" in text
    assert "Wait 1 day 1 here now at Wait 0 0" in text
    assert "End 0 2 passed End 0" in text
    here = text_of(marketer_client.get(f"{address}w/?show=waiting"))
    assert [contact.email in here for contact in contacts] == [True, False, False]
    assert ("Goes on" in here, "Went" in here) == (True, False)
    no = text_of(marketer_client.get(f"{address}q/?show=passed&port=no"))
    assert [contact.email in no for contact in contacts] == [False, True, True]
    assert "Contacts that left by “No”" in no
    picture = picture_of(marketer_client.get(address))
    behind = {(text, address) for address, text in re.findall(r'href="([^"]*)" aria-label="([^"]*)"', picture)}
    assert behind == {
        ("3 passed: Start", f"{address}start/?version=1&amp;show=passed"),
        ("3 passed: Is in segment", f"{address}q/?version=1&amp;show=passed"),
        ("1 here: Wait", f"{address}w/?version=1&amp;show=waiting"),
        ("2 passed: End", f"{address}e/?version=1&amp;show=passed"),
        ("3, from Start to Is in segment", f"{address}start/?version=1&amp;show=passed&amp;port=next"),
        ("Yes 1, from Is in segment to Wait", f"{address}q/?version=1&amp;show=passed&amp;port=yes"),
        ("No 2, from Is in segment to End", f"{address}q/?version=1&amp;show=passed&amp;port=no"),
    }
    fragment = marketer_client.get(address, headers={"HX-Request": "true"}).content.decode()
    assert fragment.lstrip().startswith("<div")
    for wrong in (f"{address}none/", f"{address}w/?show=odd", f"{address}?version=9", f"{address}?version=x"):
        assert marketer_client.get(wrong).status_code == 404


def test_a_workflow_without_versions_says_so(marketer_client: Client):
    workflow = Workflow.objects.create(name="New")
    assert "Nothing has happened yet" in text_of(marketer_client.get(f"/workflows/{workflow.pk}/live/"))


def test_queries_do_not_grow(marketer_client: Client):
    def queries(address: str) -> int:
        with CaptureQueriesContext(connection) as counted:
            assert marketer_client.get(address).status_code == 200
        return len(counted)

    one, _contacts = asked(1)
    view, behind = f"/workflows/{one.pk}/live/", f"/workflows/{one.pk}/live/start/"
    few = (queries(view), queries(behind))
    people(2, now=NOON)
    engine.tick(now=NOON)
    assert (queries(view), queries(behind)) == few == (11, 7)


def test_a_path_tells_every_step_in_words(marketer_client: Client):
    workflow, contacts = asked(2)
    run = Run.objects.get(contact=contacts[0])
    text = text_of(marketer_client.get(f"/workflows/{workflow.pk}/runs/{run.pk}/"))
    assert "Is in segment: Guests Yes" in text
    assert "Wait: 1 day Here now" in text
    other = Run.objects.get(contact=contacts[1])
    assert "Is in segment: Guests No" in text_of(marketer_client.get(f"/workflows/{workflow.pk}/runs/{other.pk}/"))
    assert marketer_client.get(f"/workflows/{workflow.pk + 1}/runs/{run.pk}/").status_code == 404
    tab = text_of(marketer_client.get(f"/contacts/{contacts[0].pk}/workflows/"))
    assert "Welcome In the workflow" in tab


def test_incidents_are_tried_again_or_left(marketer_client: Client, viewer_client: Client):
    workflow = broken()
    address = f"/workflows/{workflow.pk}/live/"
    assert "The segment was deleted. Try again" in text_of(marketer_client.get(address))
    assert "Incidents" not in text_of(viewer_client.get(address))
    first, second = Incident.objects.order_by("pk")
    decide = f"/workflows/{workflow.pk}/incidents/"
    assert viewer_client.post(decide, {"again": "1"}).status_code == 403
    assert marketer_client.post(decide, {"incident": first.pk, "leave": "1"}).status_code == 303
    assert marketer_client.post(decide, {"again": "1"}).status_code == 303
    assert not Incident.objects.filter(closed_at=None).exists()
    engine.tick(now=datetime.now(UTC))
    assert sorted(Run.objects.values_list("state", flat=True)) == ["failed", "finished"]
    assert marketer_client.post(decide, {"incident": second.pk, "again": "1"}).status_code == 303
    assert marketer_client.post(decide, {"incident": "x", "again": "1"}).status_code == 404


def test_incidents_are_paged(marketer_client: Client, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(live, "PAGE_SIZE", 1)
    workflow = broken()
    address = f"/workflows/{workflow.pk}/live/"
    second, first = Incident.objects.order_by("pk")

    def shown(response: Any) -> tuple[list[int], str]:
        html = response.content.decode()
        following = re.search(r'rel="next" href="([^"]*)"', html)
        return [int(pk) for pk in re.findall(r'id="incident-(\d+)"', html)], following[1] if following else ""

    ids, following = shown(marketer_client.get(f"{address}?version=1"))
    assert ids == [first.pk]
    assert "version=1" in following
    after = following.replace("&amp;", "&")
    page = marketer_client.get(address + after)
    assert shown(page) == ([second.pk], "")
    # What asks again, and who decides, stays on the page.
    assert f'hx-get="{address}{following}"' in page.content.decode()
    decided = marketer_client.post(f"/workflows/{workflow.pk}/incidents/{after}", {"incident": first.pk, "leave": "1"})
    assert (decided.status_code, decided.url) == (303, address + after)
    assert shown(marketer_client.get(decided.url))[0] == [second.pk]
    assert "picture-a-failed" in picture_of(page)


def test_who_may_look(viewer_client: Client, client: Client):
    workflow, _contacts = asked(1)
    for address in ("live/", "live/w/", f"runs/{Run.objects.get().pk}/"):
        assert client.get(f"/workflows/{workflow.pk}/{address}").status_code == 302
        assert viewer_client.get(f"/workflows/{workflow.pk}/{address}").status_code == 200
