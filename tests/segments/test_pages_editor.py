"""Creating and editing segments in the browser, without JavaScript and with htmx."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import override_settings
from django.utils import timezone

from contacts.models import Contact, ContactList
from crm.models import Job, User
from segments import editing
from segments.faults import DefinitionError, Fault
from segments.forms import SegmentForm
from segments.models import Segment, Transition
from tests.segments.pages import dynamic, members, people, static, text_of
from tests.segments.printed import Data, editor, group_id, posted, row_ids

pytestmark = pytest.mark.django_db
NEW = "/segments/new/dynamic/"
HTMX = {"HX-Request": "true"}


def opened(client: Client, address: str = NEW) -> Data:
    return editor(client.get(address))


def pressed(client: Client, data: Data, name: str, value: str = "1", address: str = NEW, **headers: str) -> Any:
    """Send the form with one of its buttons."""
    return client.post(address, data | {name: [value]}, headers=headers)


def test_choosing_the_type_leads_to_its_editor(marketer_client: Client):
    page = marketer_client.get("/segments/new/")
    assert posted(page.content.decode())["type"] == ["dynamic"]
    for kind in ("static", "dynamic"):
        response = marketer_client.get("/segments/new/", {"type": kind})
        assert (response.status_code, response.url) == (302, f"/segments/new/{kind}/")
    assert "Go to segment editor" in text_of(marketer_client.get("/segments/new/", {"type": "huh"}))


def test_a_dynamic_segment_without_javascript(marketer_client: Client, marketer: User):
    """Date of birth equal to or after 01/01/1965 and newsletter subscribed, one button press after the other."""
    now = timezone.now()
    born = {"date_of_birth": datetime(1970, 5, 1, tzinfo=UTC).date()}
    people("Ana", "Luca", now=now, newsletter="subscribed", **born)
    people("Emma", now=now, newsletter="subscribed", date_of_birth=datetime(1964, 12, 31, tzinfo=UTC).date())
    people("Zoe", now=now, newsletter="never", **born)
    people("Kim", now=now, newsletter="subscribed")

    data = opened(marketer_client)
    data |= {"name": ["Born since 1965"], "description": ["Not the oldest"]}
    [first] = row_ids(data)
    data[f"{first}-subject"] = ["date_of_birth"]
    data = editor(pressed(marketer_client, data, "change"))
    data |= {f"{first}-operator": ["on_or_after"], f"{first}-value": ["1965-01-01"]}
    page = pressed(marketer_client, data, "add", group_id(data))
    assert "Complete the conditions to see the preview." in text_of(page)
    data = editor(page)
    second = row_ids(data)[1]
    data[f"{second}-subject"] = ["newsletter"]
    data = editor(pressed(marketer_client, data, "change"))
    data[f"{second}-value"] = ["subscribed"]
    page = pressed(marketer_client, data, "change")
    assert "2 of 5 contacts · 40%" in text_of(page)
    data = editor(page)
    assert (data["name"], data["description"]) == (["Born since 1965"], ["Not the oldest"])

    response = pressed(marketer_client, data, "save")
    segment = Segment.objects.get()
    assert (response.status_code, response.url) == (303, f"/segments/{segment.pk}/")
    assert members(segment) == {"Ana", "Luca"}
    assert (segment.size, segment.stale, segment.created_by, segment.name) == (2, False, marketer, "Born since 1965")
    assert segment.definition == {
        "version": 1,
        "match": "all",
        "rules": [
            {"type": "field", "field": "date_of_birth", "operator": "on_or_after", "value": "1965-01-01"},
            {"type": "field", "field": "newsletter", "operator": "is", "value": "subscribed"},
        ],
    }
    assert "“Born since 1965” was saved." in text_of(marketer_client.get(response.url))


def test_removing_without_javascript(marketer_client: Client):
    data = opened(marketer_client)
    data = editor(pressed(marketer_client, data, "add", group_id(data)))
    first, second = row_ids(data)
    data = editor(pressed(marketer_client, data, "remove", first))
    assert row_ids(data) == [second]


def test_a_changed_field_that_is_saved_at_once_asks_for_its_value(marketer_client: Client):
    """Without JavaScript somebody may forget to press Update."""
    data = opened(marketer_client) | {"name": ["N"]}
    [row] = row_ids(data)
    data[f"{row}-subject"] = ["city"]
    response = pressed(marketer_client, data, "save")
    assert response.status_code == 422
    assert "Enter a value." in text_of(response)
    assert editor(response)[f"{row}-operator"] == ["is"]
    assert not Segment.objects.exists()


def test_htmx_gets_the_tree_alone(marketer_client: Client):
    data = opened(marketer_client)
    response = pressed(marketer_client, data, "add", group_id(data), **HTMX)
    html = response.content.decode()
    assert html.lstrip().startswith('<div class="tree" id="tree">')
    assert "</form>" not in html
    assert len(row_ids(posted(html))) == 2
    assert html.count("autofocus") == 1
    assert response.headers["HX-Trigger-After-Settle"] == '{"tree-changed": {}}'


def test_the_preview_says_what_would_happen(marketer_client: Client):
    now = timezone.now()
    people("Ana", "Luca", now=now, city="Rome")
    people("Emma", "<b>Zoe</b>", now=now, city="Oslo")
    segment = dynamic("In Rome", {"type": "field", "field": "city", "operator": "is", "value": "Rome"}, now=now)
    address, preview = f"/segments/{segment.pk}/edit/", f"/segments/{segment.pk}/preview/"
    data = opened(marketer_client, address)
    [row] = row_ids(data)
    same = text_of(marketer_client.post(preview, data, headers=HTMX))
    assert same.startswith("2 of 4 contacts · 50% 50% +0 would enter −0 would leave")
    data[f"{row}-value"] = ["oslo"]
    other = marketer_client.post(preview, data, headers=HTMX)
    assert text_of(other).startswith("2 of 4 contacts · 50% 50% +2 would enter −2 would leave")
    assert "Emma emma@example.com" in text_of(other)
    assert "Contacts for whom City is oslo." in text_of(other)
    assert "<b>Zoe" not in other.content.decode()
    data[f"{row}-value"] = [""]
    unfinished = text_of(marketer_client.post(preview, data, headers=HTMX))
    assert unfinished == "Complete the conditions to see the preview."
    data = opened(marketer_client) | {}
    [row] = row_ids(data)
    data |= {f"{row}-subject": ["city"], f"{row}-operator": ["is"], f"{row}-value": ["Rome"]}
    new = text_of(marketer_client.post(f"{NEW}preview/", data, headers=HTMX))
    assert new.startswith("2 of 4 contacts · 50% 50% +2 would enter −0 would leave")


def test_an_incomplete_condition_is_never_previewed_as_if_it_were_not_there(marketer_client: Client):
    people("Ana", now=timezone.now(), city="Rome")
    data = opened(marketer_client)
    data = editor(pressed(marketer_client, data, "add", group_id(data)))
    row, _empty = row_ids(data)
    data |= {f"{row}-subject": ["city"], f"{row}-operator": ["is"], f"{row}-value": ["Rome"]}
    assert text_of(marketer_client.post(f"{NEW}preview/", data)) == "Complete the conditions to see the preview."


def test_editing_prints_what_is_stored_and_moves_members(marketer_client: Client, marketer: User):
    now = timezone.now()
    people("Ana", "Luca", now=now, city="Rome")
    people("Emma", now=now, city="Oslo")
    segment = dynamic("Rome", {"type": "field", "field": "city", "operator": "is", "value": "Rome"}, now=now)
    address = f"/segments/{segment.pk}/edit/"
    data = opened(marketer_client, address)
    [row] = row_ids(data)
    assert (data["name"], data[f"{row}-subject"], data[f"{row}-value"]) == (["Rome"], ["city"], ["Rome"])
    data |= {"name": ["rome"], f"{row}-operator": ["is_not"], f"{row}-only_set": ["on"]}
    assert pressed(marketer_client, data, "save", address=address).status_code == 303
    segment.refresh_from_db()
    assert (segment.name, segment.version, segment.updated_by, members(segment)) == ("rome", 2, marketer, {"Emma"})
    moves = set(Transition.objects.values_list("contact__first_name", "kind", "cause"))
    assert {("Emma", "entered", "definition"), ("Ana", "left", "definition"), ("Luca", "left", "definition")} <= moves


def test_saving_the_same_conditions_refreshes_nothing(marketer_client: Client):
    segment = dynamic("All", now=timezone.now())
    address = f"/segments/{segment.pk}/edit/"
    data = opened(marketer_client, address) | {"description": ["Now with words"], "is_test": ["on"]}
    pressed(marketer_client, data, "save", address=address)
    segment.refresh_from_db()
    assert (segment.version, segment.description, segment.is_test) == (1, "Now with words", True)
    assert segment.runs.count() == 1


def test_many_contacts_are_left_to_the_worker(marketer_client: Client, marketer: User, monkeypatch: pytest.MonkeyPatch):
    people("Ana", "Luca", now=timezone.now())
    monkeypatch.setattr(editing, "SMALL", 1)
    data = opened(marketer_client) | {"name": ["Large"]}
    [row] = row_ids(data)
    data |= {f"{row}-subject": ["email"], f"{row}-operator": ["is_set"]}
    response = pressed(marketer_client, data, "save")
    [job] = Job.objects.all()
    segment = Segment.objects.get()
    assert (job.subject, job.user, segment.size) == (f"segment:{segment.pk}", marketer, 0)
    page = marketer_client.get(response.url)
    assert "The members will be brought up to date soon" in text_of(page)
    assert f'hx-get="/segments/{segment.pk}/progress/"' in page.content.decode()


@pytest.mark.parametrize("name", ["News", "NEWS", "  news  "])
def test_a_name_is_unique_without_regard_to_case(marketer_client: Client, name: str, now: datetime):
    static("News", now=now)
    for kind in ("static", "dynamic"):
        address = f"/segments/new/{kind}/"
        data = opened(marketer_client, address) | {"name": [name], "description": ["kept"]}
        response = pressed(marketer_client, data, "save", address=address)
        assert response.status_code == 422
        assert "There is a segment of this name." in text_of(response)
        assert editor(response)["description"] == ["kept"]
    assert Segment.objects.count() == 1


def test_a_segment_keeps_its_own_name(marketer_client: Client, now: datetime):
    segment = static("News", now=now)
    address = f"/segments/{segment.pk}/edit/"
    assert pressed(marketer_client, opened(marketer_client, address), "save", address=address).status_code == 303


def test_a_name_that_is_taken_in_between(marketer_client: Client, now: datetime, monkeypatch: pytest.MonkeyPatch):
    """The form finds the name free, and then somebody else has it."""
    static("News", now=now)
    looks = iter([lambda form: form.cleaned_data["name"], SegmentForm.clean_name])
    monkeypatch.setattr(SegmentForm, "clean_name", lambda form: next(looks)(form))
    data = opened(marketer_client, "/segments/new/static/") | {"name": ["news"]}
    response = pressed(marketer_client, data, "save", address="/segments/new/static/")
    assert response.status_code == 422
    assert "There is a segment of this name." in text_of(response)


def test_a_name_is_needed_and_conditions_are_kept(marketer_client: Client):
    data = opened(marketer_client)
    [row] = row_ids(data)
    data |= {f"{row}-subject": ["city"], f"{row}-operator": ["contains"], f"{row}-value": ["o"]}
    response = pressed(marketer_client, data, "save")
    again = editor(response)
    assert response.status_code == 422
    assert "This field is required." in text_of(response)
    assert (again[f"{row}-operator"], again[f"{row}-value"]) == (["contains"], ["o"])
    assert not Segment.objects.exists()


def test_an_empty_group_is_not_saved(marketer_client: Client):
    data = opened(marketer_client) | {"name": ["Nobody"]}
    data = editor(pressed(marketer_client, data, "remove", row_ids(data)[0]))
    response = pressed(marketer_client, data, "save")
    assert response.status_code == 422
    assert "Add a condition: without one nobody would be in the segment." in text_of(response)


def test_the_error_stands_in_its_row_and_only_there(marketer_client: Client):
    data = opened(marketer_client) | {"name": ["N"]}
    data = editor(pressed(marketer_client, data, "add", group_id(data)))
    good, bad = row_ids(data)
    data |= {f"{good}-subject": ["points"], f"{good}-operator": ["at_least"], f"{good}-value": ["3"]}
    data |= {f"{bad}-subject": ["points"], f"{bad}-operator": ["between"], f"{bad}-from": ["2"], f"{bad}-to": [""]}
    html = pressed(marketer_client, data, "save").content.decode()
    start = html.index(f'<li class="rule" id="{bad}"')
    assert "Enter both ends of the range." in html[start:]
    assert "errors" not in html[html.index(f'<li class="rule" id="{good}"') : start]
    assert f'name="{bad}-from" value="2"' in html


def test_a_segment_cannot_be_saved_for_a_list_that_was_deleted(marketer_client: Client):
    news = ContactList.objects.create(name="News")
    data = opened(marketer_client) | {"name": ["N"]}
    [row] = row_ids(data)
    data[f"{row}-subject"] = ["list"]
    data = editor(pressed(marketer_client, data, "change")) | {f"{row}-list": [str(news.pk)]}
    news.delete()
    response = pressed(marketer_client, data, "save")
    assert "This list no longer exists." in text_of(response)


def test_a_static_segment(marketer_client: Client, marketer: User):
    data = opened(marketer_client, "/segments/new/static/")
    assert "node" not in data
    data |= {"name": ["Trade fair"], "is_test": ["on"]}
    response = pressed(marketer_client, data, "save", address="/segments/new/static/")
    segment = Segment.objects.get()
    assert (response.status_code, response.url) == (303, f"/segments/{segment.pk}/")
    assert (segment.kind, segment.is_test, segment.created_by, segment.definition) == ("static", True, marketer, None)
    assert marketer_client.post(f"/segments/{segment.pk}/preview/", data).status_code == 404


def test_a_form_of_somebody_elses_making_is_refused(marketer_client: Client):
    for data in ({}, {"node": "x"}, {"node": ["g::group", "n1:h:points"], "g-match": "all"}, {"node": "g::group"}):
        assert marketer_client.post(NEW, data).status_code == 400
        assert marketer_client.post(f"{NEW}preview/", data).status_code == 400


def test_a_definition_with_very_many_conditions_can_be_saved(marketer_client: Client):
    nodes = ["g::group", *(f"n{number}:g:city" for number in range(250))]
    data: Data = {"name": ["Many"], "node": nodes, "g-match": ["all"]}
    for number in range(250):
        row = {"subject": "city", "operator": "is_not", "value": f"City {number}", "only_set": "on", "checked": "1"}
        data |= {f"n{number}-{name}": [value] for name, value in row.items()}
    assert pressed(marketer_client, data, "save").status_code == 303
    assert len(Segment.objects.get().conditions["rules"]) == 250


def test_failing_to_fill_is_told_and_kept(marketer_client: Client, monkeypatch: pytest.MonkeyPatch):
    def fail(*args: Any, **options: Any) -> None:
        raise DefinitionError([Fault((), "broken")])

    monkeypatch.setattr("segments.views.editor.fill", fail)
    data = opened(marketer_client) | {"name": ["N"]}
    [row] = row_ids(data)
    data |= {f"{row}-subject": ["email"], f"{row}-operator": ["is_set"]}
    response = pressed(marketer_client, data, "save")
    page = marketer_client.get(response.url)
    assert "The members could not be brought up to date." in text_of(page)
    assert "The members will be brought up to date soon" in text_of(page)


def test_the_time_zone_of_the_account_is_named(marketer_client: Client):
    data = opened(marketer_client)
    [row] = row_ids(data)
    data |= {f"{row}-subject": ["date_of_birth"], f"{row}-operator": ["anniversary_today"]}
    with override_settings(TIME_ZONE="Europe/Madrid"):
        page = text_of(pressed(marketer_client, data, "change"))
    assert "Days begin and end in the time zone Europe/Madrid." in page
    assert "Time zone of the account: Europe/Madrid" in page


@pytest.mark.parametrize("number", [1, 3])
def test_queries_do_not_grow_with_the_conditions(
    marketer_client: Client, now: datetime, number: int, django_assert_num_queries: Any
):
    Contact.objects.create(email="a@example.com")
    rule = {"type": "list", "list": ContactList.objects.create(name="News").pk, "operator": "not_member"}
    rules = [rule, {"type": "field", "field": "city", "operator": "is_not", "value": "x"}] * number
    segment = dynamic("D", *rules, now=now)
    with django_assert_num_queries(9):
        data = opened(marketer_client, f"/segments/{segment.pk}/edit/")
    with django_assert_num_queries(7):
        pressed(marketer_client, data, "add", group_id(data), address=f"/segments/{segment.pk}/edit/", **HTMX)
    # On PostgreSQL the limit of time is a setting of a transaction of its own.
    with django_assert_num_queries(19 if connection.vendor == "postgresql" else 14):
        marketer_client.post(f"/segments/{segment.pk}/preview/", data)
