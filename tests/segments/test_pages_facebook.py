"""The pages: connecting an ad account, sending a segment to an audience, keeping it in step, and the file."""

import csv
import io
from datetime import datetime
from hashlib import sha256
from typing import Any

import pytest
from django.test import Client

from contacts.models import Contact
from crm import jobs
from crm.models import Job, User
from segments.editing import delete_segment
from segments.facebook import connection, file, in_step, sending
from segments.models import FacebookAudience, FacebookConnection, FacebookExport, Segment
from tests.segments.facebook_server import ACCOUNT, NAME, TOKEN, Facebook, error
from tests.segments.pages import people, static, text_of

pytestmark = pytest.mark.django_db

SETTINGS = "/settings/facebook/"


def digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


@pytest.fixture
def segment(now: datetime) -> Segment:
    ana, luca = people("Ana", "Luca", now=now, newsletter="subscribed")
    return static("Fans <b>", ana, luca, *people("Never", now=now), now=now)


@pytest.fixture
def connected(facebook: Facebook, now: datetime, administrator: User) -> Facebook:
    facebook.audiences = {"555": "Customers <i>", "556": "Others"}
    connection.connect(account_id=ACCOUNT, access_token=TOKEN, now=now, user=administrator)
    return facebook


def page_of(segment: Segment) -> str:
    return f"/segments/{segment.pk}/facebook/"


def filled(segment: Segment, *, now: datetime, audience_id: str = "555") -> FacebookAudience:
    return sending.use_audience(segment, account_id=ACCOUNT, audience_id=audience_id, name="Customers <i>", now=now)


def test_an_ad_account_is_connected_checked_replaced_and_disconnected(administrator_client: Client, facebook: Facebook):
    assert "Connect ad account" in text_of(administrator_client.get(SETTINGS))
    assert "Facebook The ad account" in text_of(administrator_client.get("/settings/"))
    typed = {"account_id": f" act_{ACCOUNT} ", "access_token": TOKEN, "app_secret": ""}
    refused = administrator_client.post(f"{SETTINGS}connect/", typed | {"access_token": "wr<o>ng"})
    assert refused.status_code == 422
    assert "does not accept the access token" in text_of(refused)
    assert 'value="wr&lt;o&gt;ng"' in refused.content.decode()
    assert "no-store" in refused["Cache-Control"]
    response = administrator_client.post(f"{SETTINGS}connect/", typed)
    assert (response.status_code, response.url) == (303, SETTINGS)
    shown = administrator_client.get(SETTINGS)
    assert "“The <shop>” is connected." in text_of(shown)
    assert f"Name {NAME} ID {ACCOUNT} App secret None Connected" in text_of(shown)
    assert TOKEN not in shown.content.decode()
    assert "the token may use “The <shop>”" in text_of(administrator_client.get(f"{SETTINGS}?check=1"))
    facebook.faults = [error(190)]
    assert "does not accept the access token" in text_of(administrator_client.get(f"{SETTINGS}?check=1"))
    assert f'value="{ACCOUNT}"' in administrator_client.get(f"{SETTINGS}connect/").content.decode()
    facebook.app_secret = "proof"
    administrator_client.post(f"{SETTINGS}connect/", typed | {"app_secret": "proof"})
    assert "App secret Kept, encrypted" in text_of(administrator_client.get(SETTINGS))
    assert "Audiences stay at Facebook" in text_of(administrator_client.get(f"{SETTINGS}disconnect/"))
    assert administrator_client.post(f"{SETTINGS}disconnect/").status_code == 303
    assert not FacebookConnection.objects.exists()
    assert administrator_client.get(f"{SETTINGS}disconnect/").url == SETTINGS


def test_what_is_not_the_number_of_an_account(administrator_client: Client):
    response = administrator_client.post(f"{SETTINGS}connect/", {"account_id": "act_1/../me", "access_token": "t"})
    assert response.status_code == 422
    assert "digits alone" in text_of(response)


def test_a_segment_is_sent_to_a_new_audience(
    marketer_client: Client, marketer: User, connected: Facebook, segment: Segment
):
    menu = marketer_client.get(f"/segments/{segment.pk}/").content.decode()
    assert f'href="{page_of(segment)}"' in menu
    shown = text_of(marketer_client.get(page_of(segment)))
    assert "2 of 3 contacts 1 is left out. Only members with consent" in shown
    assert "Send 2 contacts" in shown
    assert "Customers <i>" in shown
    response = marketer_client.post(page_of(segment), {"audience": "", "name": "Fans", "in_step": "on"})
    assert (response.status_code, response.url) == (303, page_of(segment))
    audience = FacebookAudience.objects.get()
    assert (audience.segment, audience.audience_id, audience.name, audience.in_step) == (segment, "9001", "Fans", True)
    assert connected.created[0]["description"] == "Fans <b>"
    shown = text_of(marketer_client.get(page_of(segment)))
    assert "Waiting for the worker" in shown
    assert "Fans marketer under way" in shown
    assert "Send changes now" not in shown
    jobs.run_job(Job.objects.get().pk)
    shown = text_of(marketer_client.get(page_of(segment)))
    assert "Kept in step Sent by Muster 2 contacts Audience ID 9001" in shown
    assert "Sent Fans marketer 2 taken" in shown
    assert connected.emails("9001") == {digest("ana@example.com"), digest("luca@example.com")}
    assert FacebookExport.objects.get().user == marketer


def test_a_segment_is_sent_to_an_audience_that_is_there(marketer_client: Client, connected: Facebook, segment: Segment):
    assert marketer_client.post(page_of(segment), {"audience": "556", "name": ""}).status_code == 303
    audience = FacebookAudience.objects.get()
    assert (audience.audience_id, audience.name, audience.in_step) == ("556", "Others", False)
    options = marketer_client.get(page_of(segment)).content.decode()
    assert 'value="555"' in options
    assert 'value="556"' not in options


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"audience": "", "name": " "}, "Give the new audience a name."),
        ({"audience": "999", "name": ""}, "Select a valid choice."),
        ({"audience": "", "name": "x" * 201}, "Ensure this value has at most 200 characters"),
    ],
)
def test_what_cannot_be_sent(
    marketer_client: Client, connected: Facebook, segment: Segment, typed: dict[str, str], words: str
):
    response = marketer_client.post(page_of(segment), typed)
    assert response.status_code == 422
    assert words in text_of(response)
    assert not FacebookAudience.objects.exists()


def test_what_facebook_refuses_is_told_and_what_was_typed_is_kept(
    marketer_client: Client, connected: Facebook, segment: Segment
):
    connected.faults = [None, error(200, error_subcode=1870034, error_user_msg="Accept <them>.")]
    response = marketer_client.post(page_of(segment), {"audience": "", "name": "My <fans>", "in_step": "on"})
    assert response.status_code == 422
    assert "have not been accepted for this ad account. Facebook says: Accept <them>." in text_of(response)
    assert 'value="My &lt;fans&gt;"' in response.content.decode()
    connected.faults = [error(4)]
    shown = text_of(marketer_client.get(page_of(segment)))
    assert "Facebook asks for a pause" in shown
    assert "Send 2 contacts" not in shown
    assert "Download file" in shown


def test_in_step_on_and_off_and_sent_by_hand(
    marketer_client: Client, connected: Facebook, segment: Segment, now: datetime
):
    audience = filled(segment, now=now)
    address = f"/segments/facebook/{audience.pk}"
    for typed, words, on in (
        ({"on": "1"}, "“Customers <i>” is kept in step from now on.", True),
        ({}, "“Customers <i>” is not kept in step any more.", False),
    ):
        response = marketer_client.post(f"{address}/in-step/", typed)
        assert (response.status_code, response.url) == (303, page_of(segment))
        assert words in text_of(marketer_client.get(page_of(segment)))
        audience.refresh_from_db()
        assert audience.in_step == on
    assert marketer_client.post(f"{address}/send/").status_code == 303
    assert marketer_client.post(f"{address}/send/").status_code == 303
    assert "already" in text_of(marketer_client.get(page_of(segment)))
    assert Job.objects.count() == 1


def test_filled_no_longer(marketer_client: Client, connected: Facebook, segment: Segment, now: datetime):
    audience = filled(segment, now=now)
    address = f"/segments/facebook/{audience.pk}/forget/"
    assert "Fill “Customers <i>” no longer?" in text_of(marketer_client.get(address))
    job = sending.start(audience, kind=FacebookExport.Kind.SEND, now=now)
    assert "Something is being sent to this audience already." in text_of(marketer_client.post(address, follow=True))
    jobs.run_job(job.pk)
    response = marketer_client.post(address, follow=True)
    assert "Muster fills “Customers <i>” no longer." in text_of(response)
    assert "2 taken" in text_of(response)
    assert not FacebookAudience.objects.exists()


def test_the_file_has_the_same_hashes_and_is_taken_down(marketer_client: Client, marketer: User, segment: Segment):
    Contact.objects.filter(first_name="Ana").update(
        external_id="=1+1", phone="+34600", city="Rome", country="IT", date_of_birth="1990-01-02", last_name="Ñ"
    )
    assert "An administrator can connect one" in text_of(marketer_client.get(page_of(segment)))
    response = marketer_client.post(f"{page_of(segment)}file/")
    assert response["Content-Disposition"] == 'attachment; filename="facebook-fans-b.csv"'
    rows = list(csv.reader(io.StringIO(b"".join(response.streaming_content).decode())))
    assert rows == [
        ["email", "phone", "fn", "ln", "ct", "country", "dob", "doby", "extern_id"],
        [*map(digest, ("ana@example.com", "34600", "ana", "ñ", "rome", "it", "19900102", "1990")), "'=1+1"],
        [digest("luca@example.com"), "", digest("luca"), *[""] * 6],
    ]
    assert "File downloaded marketer 2 contacts in the file" in text_of(marketer_client.get(page_of(segment)))
    assert FacebookExport.objects.get().user == marketer


def test_the_file_is_read_in_parts(segment: Segment, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any):
    monkeypatch.setattr(file, "AT_ONCE", 1)
    with django_assert_num_queries(3):
        assert len(list(file.rows(segment))) == 2


def test_deleting_a_segment_warns_of_its_audience(
    marketer_client: Client, administrator_client: Client, connected: Facebook, segment: Segment, now: datetime
):
    in_step.switch(filled(segment, now=now), on=True)
    assert "Facebook audiences kept in step Customers <i>" in text_of(
        marketer_client.get(f"/segments/{segment.pk}/uses/")
    )
    asked = text_of(marketer_client.get(f"/segments/{segment.pk}/delete/"))
    assert "This segment is used." in asked
    assert "Customers <i>" in asked
    delete_segment(segment, now=now)
    assert marketer_client.get(page_of(segment)).status_code == 404
    assert marketer_client.post(f"/segments/facebook/{FacebookAudience.objects.get().pk}/send/").status_code == 404
    assert "Fans <b> Deleted Kept in step" in text_of(administrator_client.get(SETTINGS))
    address = f"/segments/facebook/{FacebookAudience.objects.get().pk}/forget/"
    assert administrator_client.post(address).url == SETTINGS


def test_an_audience_of_another_account(
    marketer_client: Client, administrator_client: Client, connected: Facebook, segment: Segment, now: datetime
):
    audience = filled(segment, now=now)
    FacebookAudience.objects.filter(pk=audience.pk).update(account_id="1", segment=None)
    assert "Customers <i> 555 – Deleted Not connected 0 Never" in text_of(administrator_client.get(SETTINGS))
    FacebookAudience.objects.filter(pk=audience.pk).update(segment=segment)
    shown = text_of(marketer_client.get(page_of(segment)))
    assert "Its ad account is not connected" in shown
    assert "Send changes now" not in shown


def test_all_that_was_sent_page_by_page(
    administrator_client: Client, marketer: User, connected: Facebook, segment: Segment, now: datetime
):
    FacebookExport.objects.bulk_create(
        FacebookExport(kind="file", segment_name=f"Segment {number}", user=marketer, started_at=now, finished_at=now)
        for number in range(25)
    )
    gone = static("Gone", now=now)
    file.take_down_file(gone, now=now, user=marketer)
    delete_segment(gone, now=now)
    first = administrator_client.get(SETTINGS)
    assert "Gone marketer 0 contacts in the file" in text_of(first)
    assert "Segment 5 " not in text_of(first)
    second = administrator_client.get(SETTINGS, {"after": first.context["page"].next})
    assert [export.segment_name for export in second.context["page"].rows] == [
        f"Segment {number}" for number in (5, 4, 3, 2, 1, 0)
    ]


PAGES = [
    ("get", "/segments/{segment}/facebook/", "marketer"),
    ("post", "/segments/{segment}/facebook/", "marketer"),
    ("post", "/segments/{segment}/facebook/file/", "marketer"),
    ("post", "/segments/facebook/{audience}/send/", "marketer"),
    ("post", "/segments/facebook/{audience}/in-step/", "marketer"),
    ("get", "/segments/facebook/{audience}/forget/", "marketer"),
    ("get", "/settings/facebook/", "administrator"),
    ("get", "/settings/facebook/connect/", "administrator"),
    ("get", "/settings/facebook/disconnect/", "administrator"),
]


@pytest.mark.parametrize(("method", "address", "role"), PAGES)
def test_who_may(
    client: Client,
    viewer_client: Client,
    marketer_client: Client,
    administrator_client: Client,
    connected: Facebook,
    segment: Segment,
    now: datetime,
    method: str,
    address: str,
    role: str,
):
    address = address.format(segment=segment.pk, audience=filled(segment, now=now).pk)
    assert getattr(client, method)(address)["Location"].startswith("/accounts/login/")
    assert getattr(viewer_client, method)(address).status_code == 403
    assert (getattr(marketer_client, method)(address).status_code == 403) == (role == "administrator")
    assert getattr(administrator_client, method)(address).status_code in {200, 303, 422}


def test_viewers_are_not_offered_it(viewer_client: Client, segment: Segment):
    assert "Facebook" not in text_of(viewer_client.get(f"/segments/{segment.pk}/"))


@pytest.mark.parametrize("number", [1, 3])
def test_queries_do_not_grow_with_the_audiences(
    administrator_client: Client,
    connected: Facebook,
    segment: Segment,
    now: datetime,
    number: int,
    django_assert_num_queries: Any,
):
    for place in range(number):
        connected.audiences[str(700 + place)] = "More"
        audience = filled(segment, now=now, audience_id=str(700 + place))
        jobs.run_job(sending.start(audience, kind=FacebookExport.Kind.SEND, now=now).pk)
    with django_assert_num_queries(14):
        administrator_client.get(page_of(segment))
    with django_assert_num_queries(10):
        administrator_client.get(SETTINGS)
