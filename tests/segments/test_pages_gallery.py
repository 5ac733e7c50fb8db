"""The gallery of segment templates in the browser."""

from datetime import datetime
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from contacts.events import NewEvent, record
from contacts.models import Contact
from crm.models import User
from segments.gallery import TEMPLATES
from segments.models import Segment
from tests.conftest import logged_in
from tests.segments.pages import dynamic, members, people, static, text_of
from tests.segments.printed import Data, editor, posted

pytestmark = pytest.mark.django_db

GALLERY = "/segments/templates/"
HIGH_SCORE = "/segments/templates/many_points/"


def values(response: Any) -> Data:
    """The values on the page of a template."""
    return posted(response.content.decode(), "parameters")


def begun(client: Client, key: str, **given: Any) -> Any:
    """The answer to *Go to segment editor*."""
    return client.get(reverse("segments:new", args=[TEMPLATES[key].kind]), given | {"template": key})


def visits(*categories: str) -> None:
    [visitor] = people("Visitor", now=timezone.now())
    record(
        [
            NewEvent("product_visit", timezone.now(), contact_id=visitor.pk, properties={"category": category})
            for category in categories
        ],
        now=timezone.now(),
    )


def test_the_gallery_shows_every_template(marketer_client: Client):
    assert GALLERY in marketer_client.get("/segments/new/").content.decode()
    page = marketer_client.get(GALLERY)
    words, html = text_of(page), page.content.decode()
    for template in TEMPLATES:
        assert f"{template.name} {template.does} {template.kind.label}" in words
        assert f'href="{reverse("segments:template", args=[template.key])}"' in html


@pytest.mark.parametrize("key", TEMPLATES.keys())
def test_from_every_template_to_a_segment_without_javascript(marketer_client: Client, marketer: User, key: str):
    """The page, its values as printed, the preview, the editor as printed, and the saved segment."""
    visits("Shoes")
    record([NewEvent("purchase", timezone.now(), contact_id=Contact.objects.get().pk, value="10")], now=timezone.now())
    template = TEMPLATES[key]
    address = reverse("segments:template", args=[key])
    page = marketer_client.get(address)
    assert "Press “Update” to see the preview." in text_of(page)
    given = values(page)
    assert all(value for [value] in given.values())

    page = marketer_client.get(address, given)
    assert page.status_code == 200
    assert "of 1 contact" in text_of(page)
    assert values(page) == given

    response = begun(marketer_client, key, **given)
    assert f"New {template.kind.label.lower()} segment" in text_of(response)
    assert not Segment.objects.exists()
    data = editor(response)
    assert (data["name"], data["description"]) == ([template.name], [template.does])
    saved = marketer_client.post(response.request["PATH_INFO"], data | {"save": ["1"]})
    assert saved.status_code == 303, text_of(saved)
    segment = Segment.objects.get()
    filled = page.context["form"]
    assert (segment.name, segment.kind, segment.definition) == (template.name, template.kind, filled.definition())
    assert len(members(segment)) == page.context["preview"].count


def test_the_preview_follows_the_values(marketer_client: Client, now: datetime):
    people("Ana", "Luca", now=now, points=200)
    people("Emma", now=now, points=50)
    preview = f"{HIGH_SCORE}preview/"
    assert "2 of 3 contacts" in text_of(marketer_client.get(preview, {"points": 100}))
    page = text_of(marketer_client.get(preview, {"points": 10}))
    assert "3 of 3 contacts" in page
    assert "Contacts for whom Points is greater than 10." in page
    page = text_of(marketer_client.get(preview, {"points": "many"}))
    assert page == "Correct the values to see the preview. More points than: Enter a whole number."
    assert "More points than: This field is required." in text_of(marketer_client.get(preview))


def test_wrong_values_come_back_with_their_faults(marketer_client: Client):
    response = begun(marketer_client, "many_points", points="-1")
    assert (response.status_code, response.url) == (302, f"{HIGH_SCORE}?points=-1&template=many_points")
    page = marketer_client.get(response.url)
    assert page.status_code == 422
    assert values(page) == {"points": ["-1"]}
    assert "Ensure this value is greater than or equal to 0." in text_of(page)


def test_the_name_is_one_that_is_free(marketer_client: Client, now: datetime):
    static("POINTS ABOVE A THRESHOLD", now=now)
    data = editor(begun(marketer_client, "many_points", points=5))
    assert data["name"] == ["Points above a threshold 2"]


def test_the_categories_are_those_in_the_data(marketer_client: Client):
    address = reverse("segments:template", args=["visited_not_bought"])
    assert values(marketer_client.get(address))["category"] == [""]
    visits("Hats", 'Shoes & "more"', 'Shoes & "more"', "<script>alert(1)</script>")
    page = marketer_client.get(address)
    assert values(page)["category"] == ['Shoes & "more"']
    html = page.content.decode()
    assert '<option value="Shoes &amp; &quot;more&quot;">' in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "<script>alert" not in html
    given = {"category": "<script>alert(2)</script>", "days": "3"}
    for response in (
        marketer_client.get(address, given),
        marketer_client.get(f"{address}preview/", given),
        begun(marketer_client, "visited_not_bought", **given),
    ):
        assert response.status_code == 200
        assert "<script>alert" not in response.content.decode()
        assert "&lt;script&gt;alert(2)&lt;/script&gt;" in response.content.decode()


def test_what_is_no_template_is_not_found(marketer_client: Client):
    assert marketer_client.get(f"{GALLERY}huh/").status_code == 404
    assert marketer_client.get(f"{GALLERY}huh/preview/").status_code == 404
    for kind, key in (("dynamic", "huh"), ("dynamic", ""), ("static", "birthdays"), ("dynamic_plus", "birthdays")):
        assert marketer_client.get(f"/segments/new/{kind}/", {"template": key, "days": 7}).status_code == 404


ADDRESSES = [GALLERY, HIGH_SCORE, f"{HIGH_SCORE}preview/", "/segments/new/dynamic/?template=many_points&points=5"]


@pytest.mark.parametrize("address", ADDRESSES)
def test_only_who_may_create_segments_sees_it(client: Client, user_with_role: Any, address: str):
    assert client.get(address).status_code == 302
    assert logged_in(user_with_role("viewer")).get(address).status_code == 403
    assert logged_in(User.objects.create_user("nobody")).get(address).status_code == 403
    for role in ("marketer", "administrator"):
        assert logged_in(user_with_role(role)).get(address).status_code == 200
        assert logged_in(User.objects.get(username=role)).post(f"{GALLERY}many_points/").status_code == 405


@pytest.mark.parametrize("number", [1, 3])
def test_query_counts(marketer_client: Client, now: datetime, number: int, django_assert_num_queries: Any):
    people(*[f"Person {one}" for one in range(number)], now=now, points=200, purchases_total=number)
    for one in range(number):
        dynamic(f"Segment {one}", now=now)
    for address, queries in {
        GALLERY: 4,
        HIGH_SCORE: 4,
        f"{GALLERY}big_spenders/": 6,
        f"{GALLERY}visited_not_bought/": 5,
        "/segments/new/dynamic/?template=many_points&points=5": 7,
    }.items():
        marketer_client.get(address)
        with django_assert_num_queries(queries, info=address):
            assert marketer_client.get(address).status_code == 200


def test_an_estimate_is_counted_exactly_on_demand(marketer_client: Client, settings: Any):
    settings.PREVIEW_EXACT_UP_TO, settings.PREVIEW_SAMPLE = 5, 4
    people("A", "B", "C", "D", "E", "F", now=timezone.now())
    Contact.objects.filter(first_name__lt="C").update(points=80)
    given = values(marketer_client.get(HIGH_SCORE)) | {"points": ["50"]}
    fragment = reverse("segments:preview_of_template", args=["many_points"])
    for address in (HIGH_SCORE, fragment):
        estimate = marketer_client.get(address, given)
        assert "Estimate" in text_of(estimate)
        assert f'name="exact" value="1" hx-get="{fragment}"' in estimate.content.decode()
        exact = text_of(marketer_client.get(address, given | {"exact": ["1"]}))
        assert "2 of 6 contacts" in exact
        assert "Estimate" not in exact
        assert "Count exactly" not in exact
