"""The numbers of the dashboard, and the page."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.cache import cache
from django.utils import timezone

from contacts.models import Contact
from crm import dashboard
from crm.charts import HEIGHT, movement_chart
from crm.dashboard import Audits, ContactCounts, Movement, SegmentCounts
from crm.models import Job, User
from segments.models import RefreshRun, Segment, SegmentDay

pytestmark = pytest.mark.django_db

NOTHING = {"version": 1, "match": "all", "rules": []}


def make_segment(name: str, kind: str = "static", **values: object) -> Segment:
    return Segment.objects.create(name=name, kind=kind, definition=None if kind == "static" else NOTHING, **values)


def make_day(segment: Segment, day: date, entered: int, left: int) -> None:
    SegmentDay.objects.create(segment=segment, day=day, entered=entered, left=left)


def test_counting_contacts(now):
    def contact(days_ago: float, newsletter: str) -> Contact:
        return Contact(created_at=now - timedelta(days=days_ago), newsletter=newsletter)

    Contact.objects.bulk_create(
        [contact(0, "subscribed"), contact(29.9, "pending"), contact(30, "subscribed"), contact(400, "subscribed")]
    )
    counts = dashboard.count_contacts(now=now)
    assert counts == ContactCounts(total=4, new=2, subscribed=3)
    assert counts.subscribed_percent == 75


def test_small_accounts_are_counted_each_time_and_large_ones_now_and_then(now, monkeypatch):
    assert dashboard.count_contacts(now=now).total == 0
    Contact.objects.create(email="a@example.com")
    assert dashboard.count_contacts(now=now).total == 1
    monkeypatch.setattr(dashboard, "LARGE", 1)
    assert dashboard.count_contacts(now=now).total == 1
    Contact.objects.create(email="b@example.com")
    assert dashboard.count_contacts(now=now).total == 1
    cache.clear()
    assert dashboard.count_contacts(now=now).total == 2


def test_counting_segments(now):
    make_segment("a")
    make_segment("b", "dynamic", stale=True)
    make_segment("c", "dynamic", stale=True, error="Unknown field.")
    make_segment("d", "dynamic", deleted_at=now)
    kinds = Segment.Kind
    assert dashboard.count_segments() == SegmentCounts(
        by_kind={kinds.STATIC: 1, kinds.DYNAMIC: 2, kinds.DYNAMIC_PLUS: 0}, failing=1, waiting=1
    )


def test_growing_and_shrinking_segments(now):
    today = now.date()
    grows, grows_more, shrinks, balanced, deleted, before = (
        make_segment(name) for name in ("grows", "grows more", "shrinks", "balanced", "deleted", "before")
    )
    make_day(grows, today, 3, 1)
    make_day(grows, today - timedelta(days=6), 2, 1)
    make_day(grows_more, today, 9, 0)
    make_day(shrinks, today, 1, 5)
    make_day(balanced, today, 4, 4)
    make_day(deleted, today, 100, 0)
    make_day(before, today - timedelta(days=7), 100, 0)
    Segment.objects.filter(pk=deleted.pk).update(deleted_at=now)
    assert [(segment.name, segment.change) for segment in dashboard.growing_segments(now=now)] == [
        ("grows more", 9),
        ("grows", 3),
    ]
    assert [(segment.name, segment.change) for segment in dashboard.shrinking_segments(now=now)] == [("shrinks", -4)]


def test_movements_of_all_segments_by_day(now, settings):
    settings.TIME_ZONE = "America/New_York"
    late = datetime(2026, 3, 10, 3, 0, tzinfo=UTC)  # still the ninth in New York
    first, second = make_segment("first"), make_segment("second")
    make_day(first, date(2026, 3, 9), 3, 1)
    make_day(second, date(2026, 3, 9), 4, 0)
    make_day(second, date(2026, 2, 8), 2, 2)
    make_day(second, date(2026, 2, 7), 50, 50)
    movements = dashboard.movements(now=late)
    assert len(movements) == 30
    assert [movement for movement in movements if movement.entered] == [
        Movement(date(2026, 2, 8), 2, 2),
        Movement(date(2026, 3, 9), 7, 1),
    ]


def test_audits_of_the_last_week(now):
    def audit(days_ago: int, differences: int) -> None:
        RefreshRun.objects.create(kind="audit", started_at=now - timedelta(days=days_ago), differences=differences)

    assert dashboard.audits(now=now) == Audits(latest=None, differences=0)
    audit(1, 0), audit(2, 3), audit(8, 100)
    assert dashboard.audits(now=now) == Audits(latest=now - timedelta(days=1), differences=3)


def test_the_latest_runs_leave_out_those_that_only_looked(now):
    def run(**values: object) -> int:
        return RefreshRun.objects.create(started_at=now, **values).pk

    full = run(kind="full")
    run(kind="time")
    moved = run(kind="changes", entered=1)
    failed = run(kind="time", error="Broken.")
    run(kind="audit")
    assert [found.pk for found in dashboard.latest_runs()] == [failed, moved, full]


def test_the_bars_of_the_chart_share_one_scale():
    day = date(2026, 3, 1)
    chart = movement_chart([Movement(day, 30, 0), Movement(day, 0, 10), Movement(day, 15, 5)])
    assert (chart.entered, chart.left, chart.zero) == (45, 15, 75)
    assert [(column.entered_y, column.entered_height, column.left_height) for column in chart.columns] == [
        (0, 75, 0),
        (75, 0, 25),
        (37.5, 37.5, 12.5),
    ]
    assert movement_chart([Movement(day, 0, 0)]).height == HEIGHT


# The page


def fill(number: int) -> None:
    now = timezone.now()
    user = User.objects.get()
    for index in range(number):
        Contact.objects.create(email=f"{index}@example.com")
        grows, shrinks = make_segment(f"grows {index}", "dynamic", error="Broken."), make_segment(f"shrinks {index}")
        make_day(grows, now.date(), 5, 1)
        make_day(shrinks, now.date(), 1, 5)
        RefreshRun.objects.create(kind="full", segment=grows, started_at=now, entered=5)
        RefreshRun.objects.create(kind="audit", segment=grows, started_at=now, differences=1)
        Job.objects.create(kind="test", title=f"job {index}", state="running", created_at=now, user=user)


@pytest.mark.parametrize("rows", [1, 3])
def test_the_page_costs_the_same_however_much_there_is(viewer_client, django_assert_num_queries, rows):
    fill(rows)
    # Session, user, permissions (2), contacts, movements, segments, growing, shrinking, runs, audits, jobs.
    with django_assert_num_queries(12):
        text = viewer_client.get("/").text
    for name in ("grows", "shrinks", "job"):
        assert f"{name} {rows - 1}" in text


def test_the_page_of_a_new_account_says_how_to_start(marketer_client, viewer_client):
    text = marketer_client.get("/").text
    assert "Add contact" in text
    assert "Create new segment" in text
    text = viewer_client.get("/").text
    assert "Nothing here yet" in text
    assert "Add contact" not in text


def test_who_has_no_role_is_told_whom_to_ask(client, django_user_model):
    client.force_login(django_user_model.objects.create_user("nobody"))
    assert "You have no role yet" in client.get("/").text


def test_audit_differences_and_errors_are_shown(viewer, viewer_client):
    fill(1)
    text = viewer_client.get("/").text
    assert "found and repaired 1 wrong membership in the last 7 days" in text
    assert "1 segment with an error" in text


def test_jobs_ask_for_themselves_while_there_are_any(viewer, viewer_client):
    assert "hx-get" not in viewer_client.get("/dashboard/jobs/").text
    now = timezone.now()
    Job.objects.create(kind="test", title="Refresh VIP", state="running", done=1, total=4, created_at=now)
    Job.objects.create(kind="test", title="Long over", state="done", created_at=now)
    text = viewer_client.get("/dashboard/jobs/").text
    assert 'hx-get="/dashboard/jobs/"' in text
    assert "Refresh VIP" in text
    assert "25%" in text
    assert "Long over" not in text


def test_jobs_are_for_those_who_may_see_them(client, django_user_model):
    client.force_login(django_user_model.objects.create_user("nobody"))
    assert client.get("/dashboard/jobs/").status_code == 403
