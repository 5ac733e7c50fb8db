"""The preview beside the editor: counts at the conditions, estimates, warnings, and counting that took too long."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from contacts.events import NewEvent, record
from contacts.models import Contact, ContactField, ContactList
from crm.time_limit import TookTooLong
from segments.editing import create_segment, fill
from segments.models import Segment
from segments.views import previewing
from tests.api_client import Api, errors_in
from tests.segments.pages import people, text_of
from tests.segments.printed import Data, editor, row_ids

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
HTMX = {"HX-Request": "true"}
ROME = {"type": "field", "field": "city", "operator": "is", "value": "Rome"}
BOUGHT = {"type": "event", "event": "purchase", "metric": "count", "operator": "at_least", "value": 1}
BOUGHT |= {"window": {"kind": "last", "count": 20, "unit": "years"}}


@pytest.fixture
def shop() -> list[Contact]:
    contacts = people("Ana", "Bea", "Cem", "Dan", "Eva", "Flo", now=NOW)
    Contact.objects.filter(pk__in=[one.pk for one in contacts[:4]]).update(city="Rome")
    record([NewEvent("purchase", NOW - timedelta(days=2), contact_id=one.pk) for one in contacts[3:]], now=NOW)
    return contacts


def plus(*rules: dict[str, Any], match: str = "all") -> Segment:
    definition = {"version": 1, "match": match, "rules": list(rules)}
    segment = create_segment(name="S", kind="dynamic_plus", definition=definition, now=NOW)
    fill(segment, now=NOW)
    return segment


def opened(client: Client, segment: Segment) -> tuple[str, Data]:
    """The address of the preview and the editor's form."""
    return f"/segments/{segment.pk}/preview/", editor(client.get(f"/segments/{segment.pk}/edit/"))


def counts_in(html: str) -> dict[str, str]:
    """The counts that go into the tree, by the ids of the conditions and groups."""
    found = re.findall(
        r'<span class="rule-count" id="(\w+)-holds" hx-swap-oob="true">(.*?)</span>(?=<span class|\s*$)', html
    )
    return {node: re.sub("<.*", "", shown) for node, shown in found}


def test_every_condition_gets_its_count(marketer_client: Client, shop: list[Contact]):
    segment = plus(ROME, {"match": "any", "rules": [BOUGHT, ROME | {"value": "Oslo"}]})
    address, data = opened(marketer_client, segment)
    page = marketer_client.get(f"/segments/{segment.pk}/edit/").content.decode()
    nodes = [printed.partition(":")[0] for printed in data["node"]]
    assert all(f'id="{node}-holds"' in page for node in re.findall(r'name="node" value="(\w+):', page))
    response = marketer_client.post(address, data, headers=HTMX)
    counts = counts_in(response.content.decode())
    assert list(counts) == nodes
    assert list(counts.values()) == ["1", "4", "3", "3", "0"]
    text = text_of(response)
    assert "Condition by condition City is Rome Contacts: 4 4 4 left Any of these Contacts: 3 1 1 left" in text
    assert "“Purchased” is known since 8 Mar 2026, 12:00 only" in text
    assert "Estimate" not in text


def test_what_is_not_complete_has_no_counts(marketer_client: Client, shop: list[Contact]):
    segment = plus(ROME, BOUGHT)
    address, data = opened(marketer_client, segment)
    [first, _second] = row_ids(data)
    data[f"{first}-value"] = [""]
    response = marketer_client.post(address, data, headers=HTMX)
    assert text_of(response) == "Complete the conditions to see the preview."
    assert set(counts_in(response.content.decode()).values()) == {""}


def test_conditions_on_what_was_deleted_are_named(marketer_client: Client, shop: list[Contact]):
    news = ContactList.objects.create(name="News")
    tier = ContactField.objects.create(key="tier", label="Tier", type="text")
    on_tier = {"type": "field", "field": "custom.tier", "operator": "is", "value": "gold"}
    segment = plus(ROME, {"type": "list", "list": news.pk, "operator": "member"}, on_tier)
    news.delete()
    tier.delete()
    address, data = opened(marketer_client, segment)
    text = text_of(marketer_client.post(address, data, headers=HTMX))
    assert text == (
        "Complete the conditions to see the preview."
        " Condition 2 : Choose one. Condition 3 : There is no contact field “custom.tier”."
    )


def test_an_estimate_is_marked_and_counted_exactly_on_demand(
    marketer_client: Client, shop: list[Contact], settings: Any
):
    settings.PREVIEW_EXACT_UP_TO, settings.PREVIEW_SAMPLE = 5, 4
    segment = plus(ROME)
    address, data = opened(marketer_client, segment)
    response = marketer_client.post(address, data, headers=HTMX)
    text = text_of(response)
    assert text.startswith("≈ ")
    assert re.search(r"Estimate Probably between \d and 6, from 4 contacts drawn at random\. Count exactly", text)
    assert all(count.startswith("≈ ") for count in counts_in(response.content.decode()).values())
    assert f'hx-post="{address}"' in response.content.decode()
    exact = text_of(marketer_client.post(address, data | {"exact": ["1"]}, headers=HTMX))
    assert exact.startswith("4 of 6 contacts")
    assert "Estimate" not in exact
    without_javascript = text_of(marketer_client.post(f"/segments/{segment.pk}/edit/", data | {"exact": ["1"]}))
    assert "4 of 6 contacts" in without_javascript
    assert "Count exactly" in text_of(marketer_client.post(f"/segments/{segment.pk}/edit/", data | {"change": ["1"]}))


def test_counting_that_takes_too_long_is_told(
    marketer_client: Client, shop: list[Contact], monkeypatch: pytest.MonkeyPatch
):
    """The database's part of it, stopping a statement, has a test of its own."""
    segment = plus(ROME)
    address, data = opened(marketer_client, segment)
    preview = previewing.preview

    def slow(*args: Any, exact: bool, **options: Any) -> Any:
        if exact or not patient:
            raise TookTooLong(30)
        return preview(*args, exact=False, **options)

    monkeypatch.setattr(previewing, "preview", slow)
    patient = True
    text = text_of(marketer_client.post(address, data | {"exact": ["1"]}, headers=HTMX))
    assert text.startswith("Counting exactly took longer than 30 seconds and was stopped. This is the estimate. 4 of 6")
    patient = False
    text = text_of(marketer_client.post(address, data | {"exact": ["1"]}, headers=HTMX))
    assert text.startswith("Counting took longer than 30 seconds and was stopped. The conditions can be saved")
    assert "Complete" not in text
    assert marketer_client.post(address, data).status_code == 200


def test_the_api_tells_estimates(shop: list[Contact], settings: Any, monkeypatch: pytest.MonkeyPatch):
    settings.PREVIEW_EXACT_UP_TO, settings.PREVIEW_SAMPLE = 5, 4
    api = Api.with_scopes("segments:read")
    body = {"kind": "dynamic", "definition": {"version": 1, "match": "all", "rules": [ROME]}}
    status, estimated = api.post("/segments/preview", body)
    assert (status, estimated["is_estimate"], estimated["total"]) == (200, True, 6)
    assert estimated["low"] <= estimated["count"] <= estimated["high"]
    status, exact = api.post("/segments/preview", body | {"exact": True})
    assert (status, exact["is_estimate"], exact["count"], exact["low"], exact["high"]) == (200, False, 4, 4, 4)
    assert [(part["count"], part["left"]) for part in exact["parts"]] == [(4, None), (4, 4)]
    assert exact["warnings"] == []

    def stopped(*args: Any, **options: Any) -> Any:
        raise TookTooLong(30)

    monkeypatch.setattr("segments.api.definitions.preview", stopped)
    status, refusal = api.post("/segments/preview", body)
    assert (status, errors_in(refusal)) == (503, {"": "Counting took longer than 30 seconds and was stopped."})
