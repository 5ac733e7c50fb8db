"""The pages of jobs: the list, a job, the bell; who may see, cancel and try again."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from crm import jobs
from crm.models import Job, User
from tests.conftest import logged_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def kind(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setitem(
        jobs.KINDS._members,
        "test.count",
        jobs.Kind("test.count", lambda job, now: None, "Counting", cancellable=True, url=lambda job: "/contacts/?q=1"),
    )
    return "test.count"


def make(user: User | None, title: str = "Counting", **fields: object) -> Job:
    values = {"kind": "test.count", "state": "running", "done": 250, "total": 1000, "created_at": timezone.now()}
    return Job.objects.create(title=title, user=user, **(values | fields))


# A job


@pytest.mark.parametrize(
    ("state", "text", "asks_again"),
    [
        ("queued", "Goes on soon", True),
        ("running", "Counting sheep", True),
        ("done", "Counting sheep", False),
        ("failed", "This stopped before it was done: no luck", False),
        ("cancelled", "This was cancelled. What was done until then stays.", False),
    ],
)
def test_a_job_in_each_state(viewer: User, viewer_client: Client, kind: str, state: str, text: str, asks_again: bool):
    job = make(viewer, "Sheep & goats", state=state, message="Counting sheep", error="no luck")
    page, card = viewer_client.get(f"/jobs/{job.pk}/").text, viewer_client.get(f"/jobs/{job.pk}/state/").text
    for shown in (page, card):
        assert text in shown
        assert ("every 2s" in shown) is asks_again
    assert "Sheep &amp; goats" in page
    assert 'href="/contacts/?q=1"' in page
    assert "<html" not in card


def test_a_new_job_waits_for_the_worker(viewer: User, viewer_client: Client, kind: str):
    job = make(viewer, state="queued", done=0)
    assert "Waiting for the worker" in viewer_client.get(f"/jobs/{job.pk}/").text


def test_how_fast_it_goes_and_how_long_it_takes(viewer: User, viewer_client: Client, kind: str):
    job = make(viewer, done=10_000, total=1_000_000, speed=1500.4)
    text = viewer_client.get(f"/jobs/{job.pk}/state/").text
    assert "1,500 per second · about 11 minutes left" in text
    Job.objects.update(speed=0.5, done=999_980)
    text = viewer_client.get(f"/jobs/{job.pk}/state/").text
    assert "0.5 per second · less than a minute left" in text
    Job.objects.update(speed=20, done=0)
    assert "about 14 hours left" in viewer_client.get(f"/jobs/{job.pk}/state/").text
    Job.objects.update(speed=0.1, total=4)
    assert "per second" not in viewer_client.get(f"/jobs/{job.pk}/state/").text


def test_a_page_around_it_is_loaded_again_when_it_is_over(viewer: User, viewer_client: Client, kind: str):
    job = make(viewer)
    assert f'hx-get="/jobs/{job.pk}/state/?reload=1"' in viewer_client.get(f"/jobs/{job.pk}/").text
    assert "HX-Refresh" not in viewer_client.get(f"/jobs/{job.pk}/state/?reload=1")
    Job.objects.update(state="done")
    assert viewer_client.get(f"/jobs/{job.pk}/state/?reload=1")["HX-Refresh"] == "true"
    assert "HX-Refresh" not in viewer_client.get(f"/jobs/{job.pk}/state/")


def test_the_log(viewer: User, viewer_client: Client, kind: str):
    job = make(viewer)
    jobs.log(job, "<b>1,000 read</b>")
    assert "&lt;b&gt;1,000 read&lt;/b&gt;" in viewer_client.get(f"/jobs/{job.pk}/").text


def test_a_job_of_a_kind_that_is_gone(viewer: User, viewer_client: Client):
    job = make(viewer, kind="old.kind", state="failed")
    text = viewer_client.get(f"/jobs/{job.pk}/").text
    assert "old.kind" in text
    assert "Try again" not in text
    assert "See what it is about" not in text


@pytest.mark.parametrize("number", [1, 3])
def test_the_page_of_a_job_costs_the_same(viewer, viewer_client, kind, django_assert_num_queries, number: int):
    job = make(viewer)
    for index in range(number):
        jobs.log(job, f"line {index}")
    # Session, user, permissions (2), the job, its log.
    with django_assert_num_queries(6):
        viewer_client.get(f"/jobs/{job.pk}/")


# Cancelling and trying again


def test_whose_job_it_is_cancels_it_and_administrators_do(marketer, administrator, viewer, kind):
    for user in (marketer, administrator):
        job = make(marketer)
        client = logged_in(user)
        assert f'action="/jobs/{job.pk}/cancel/"' in client.get(f"/jobs/{job.pk}/").text
        response = client.post(f"/jobs/{job.pk}/cancel/", {"next": "/contacts/"})
        assert (response.status_code, response["Location"]) == (303, "/contacts/")
        text = client.get(f"/jobs/{job.pk}/").text
        assert "Being cancelled" in text
        assert f"Cancelled by {user.username}" in text
        assert f'action="/jobs/{job.pk}/cancel/"' not in text
    job = make(marketer)
    for action in ("cancel", "retry"):
        assert logged_in(viewer).post(f"/jobs/{job.pk}/{action}/").status_code == 403
        assert Client().post(f"/jobs/{job.pk}/{action}/").status_code == 302
        assert logged_in(marketer).get(f"/jobs/{job.pk}/{action}/").status_code == 405
    assert "/cancel/" not in logged_in(viewer).get(f"/jobs/{job.pk}/").text
    job.refresh_from_db()
    assert (job.state, job.cancel_requested_at) == ("running", None)


def test_what_failed_is_tried_again(marketer: User, marketer_client: Client, kind: str):
    job = make(marketer, state="failed", error="no luck", finished_at=timezone.now(), seen=True)
    assert f'action="/jobs/{job.pk}/retry/"' in marketer_client.get(f"/jobs/{job.pk}/").text
    response = marketer_client.post(f"/jobs/{job.pk}/retry/", {"next": "https://elsewhere.example/"})
    assert (response.status_code, response["Location"]) == (303, f"/jobs/{job.pk}/")
    text = marketer_client.get(f"/jobs/{job.pk}/").text
    assert "is tried again." in text
    assert "Tried again by marketer" in text
    job.refresh_from_db()
    assert (job.state, job.error, job.finished_at, job.seen, job.user) == ("queued", "", None, False, marketer)


@pytest.mark.parametrize(
    ("action", "state", "told"),
    [
        ("cancel", "done", "This job is over already."),
        ("retry", "done", "Only a job that failed or was cancelled can be tried again."),
        ("retry", "running", "Only a job that failed or was cancelled can be tried again."),
    ],
)
def test_what_comes_too_late_is_said(marketer, marketer_client, kind, action: str, state: str, told: str):
    job = make(marketer, state=state)
    response = marketer_client.post(f"/jobs/{job.pk}/{action}/", follow=True)
    assert told in response.text
    job.refresh_from_db()
    assert job.state == state


# The list


def test_everybody_sees_their_own_and_administrators_all(marketer, administrator, viewer, kind):
    make(marketer, "Mine")
    make(administrator, "Of the administrator")
    make(None, "Of nobody")
    assert "Of the administrator" not in logged_in(marketer).get("/jobs/").text
    assert "Mine" in logged_in(marketer).get("/jobs/").text
    assert logged_in(marketer).get("/jobs/?everybody=1").status_code == 403
    assert "No jobs yet" in logged_in(viewer).get("/jobs/").text
    text = logged_in(administrator).get("/jobs/?everybody=1").text
    for title in ("Mine", "Of the administrator", "Of nobody", "Muster itself"):
        assert title in text
    assert "Of nobody" not in logged_in(administrator).get("/jobs/").text
    assert Client().get("/jobs/").status_code == 302
    assert logged_in(User.objects.create_user("nobody")).get("/jobs/").status_code == 403


def test_the_list_is_filtered_by_state(viewer: User, viewer_client: Client, kind: str):
    for state in Job.State:
        make(viewer, f"It is {state}", state=state)
    for chosen, shown in {
        "in_progress": {"queued", "running"},
        "done": {"done"},
        "failed": {"failed"},
        "cancelled": {"cancelled"},
        "": set(Job.State.values),
    }.items():
        text = viewer_client.get(f"/jobs/?state={chosen}").text
        assert {state for state in Job.State.values if f"It is {state}" in text} == shown
        assert ("every 5s" in text) is (chosen in {"", "in_progress"})
    assert viewer_client.get("/jobs/?state=other").status_code == 404
    Job.objects.all().delete()
    assert "No such jobs" in viewer_client.get("/jobs/?state=failed").text


def test_the_list_has_pages(viewer: User, viewer_client: Client, kind: str):
    now = timezone.now()
    for index in range(30):
        make(viewer, f"No. {index:02}", created_at=now - timedelta(minutes=index), state="done")
    first = viewer_client.get("/jobs/?state=done")
    assert ("No. 24" in first.text, "No. 25" in first.text) == (True, False)
    second = viewer_client.get("/jobs/", {"state": "done", "after": first.context["page"].next})
    assert ("No. 24" in second.text, "No. 25" in second.text, "No. 29" in second.text) == (False, True, True)
    assert "No. 00" in viewer_client.get("/jobs/", {"before": second.context["page"].previous}).text
    assert viewer_client.get("/jobs/?after=nonsense").status_code == 404


@pytest.mark.parametrize("number", [1, 3])
def test_the_list_costs_the_same(administrator, administrator_client, kind, django_assert_num_queries, number: int):
    for index in range(number):
        make(User.objects.create_user(f"user {index}"), state="done")
    # Session, user, permissions (2), jobs with their users.
    with django_assert_num_queries(5):
        administrator_client.get("/jobs/?everybody=1")


# The bell


def test_every_page_has_a_bell_that_is_a_link_at_first(viewer_client: Client, django_assert_num_queries):
    # Session, user, permissions (2): the bell comes afterwards.
    with django_assert_num_queries(5):
        text = viewer_client.get("/jobs/").text
    assert '<a class="icon-button" id="bell" href="/jobs/">' in text
    assert 'hx-get="/jobs/bell/" hx-trigger="load"' in text
    nobody = logged_in(User.objects.create_user("nobody"))
    assert 'id="bell"' not in nobody.get("/").text


def test_the_bell_shows_what_runs_and_what_was_over_lately(viewer, administrator, viewer_client, kind):
    now = timezone.now()
    make(viewer, "It <i>runs</i>")
    make(viewer, "Over", state="done", finished_at=now)
    make(viewer, "Long over", state="done", finished_at=now - timedelta(days=4))
    make(administrator, "Of another")
    text = viewer_client.get("/jobs/bell/").text
    assert "It &lt;i&gt;runs&lt;/i&gt;" in text
    assert text.index("runs") < text.index("Over")
    assert "Long over" not in text
    assert "Of another" not in text
    assert '>1<span class="sr-only"> finished, not seen yet</span>' in text
    assert "every 4s" in text
    assert "<summary" not in viewer_client.get("/jobs/bell/?jobs=1").text


def test_opening_the_bell_is_seeing(viewer: User, viewer_client: Client, kind: str):
    for _ in range(11):
        make(viewer, state="failed", finished_at=timezone.now())
    assert ">9+<" in viewer_client.get("/jobs/bell/?jobs=1").text
    assert "not seen yet" not in viewer_client.post("/jobs/bell/look/").text
    text = viewer_client.get("/jobs/bell/?jobs=1").text
    assert "not seen yet" not in text
    assert "every 30s" in text
    assert not Job.objects.filter(seen=False).exists()


@pytest.mark.parametrize("address", ["/jobs/{}/", "/jobs/{}/state/", "/jobs/"])
def test_a_job_is_seen_by_its_user_on_pages_too(viewer, administrator, kind, address: str):
    job = make(viewer, state="done", finished_at=timezone.now())
    logged_in(administrator).get(address.format(job.pk))
    job.refresh_from_db()
    assert not job.seen
    logged_in(viewer).get(address.format(job.pk))
    job.refresh_from_db()
    assert job.seen


def test_an_empty_bell_says_so(viewer_client: Client):
    assert "No jobs of yours in the last days." in viewer_client.get("/jobs/bell/").text


def test_the_bell_takes_nobody_to_another_page(client: Client, viewer_client: Client):
    assert client.get("/jobs/bell/", headers={"HX-Request": "true"}).status_code == 204
    assert logged_in(User.objects.create_user("nobody")).get("/jobs/bell/").status_code == 204


@pytest.mark.parametrize("number", [1, 3])
def test_the_bell_costs_one_query(viewer, viewer_client, kind, django_assert_num_queries, number: int):
    for _ in range(number):
        make(viewer, state="done", finished_at=timezone.now())
    # Session, user, permissions (2), jobs.
    with django_assert_num_queries(5):
        viewer_client.get("/jobs/bell/")
