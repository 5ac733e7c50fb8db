"""Imports from the draft to the report and back: options, who came, what is refused, cancelling and undoing."""

import csv
import io
from datetime import UTC, date, datetime, timedelta

import pytest

from contacts.deletion import delete_contacts
from contacts.editing import update_contact
from contacts.events import NewEvent, record
from contacts.imports import checking, cleanup, drafting, refused, running, states, undoing
from contacts.imports.models import ContactImport, Import
from contacts.imports.options import NotReady
from contacts.imports.sources import UnreadableFile
from contacts.lists import subscribe, unsubscribe
from contacts.models import Contact, ContactField, ContactList, Event, ListMembership
from crm import jobs
from crm.models import Job
from segments.membership import add
from segments.models import Cause, Segment, Transition
from tests.contacts.importing import Ticking, checked, counts, do, draft, refusals, run, undone

pytestmark = pytest.mark.django_db

PEOPLE = "email,first_name\nana@example.org,Anna\nbo@example.org,Bo\n"


@pytest.fixture
def ana(now: datetime) -> Contact:
    earlier = now - timedelta(days=1)
    return Contact.objects.create(email="ana@example.org", first_name="Ana", created_at=earlier, updated_at=earlier)


@pytest.fixture
def chosen(now: datetime) -> Segment:
    return Segment.objects.create(name="Chosen", kind="static", refreshed_at=now)


@pytest.fixture
def news() -> ContactList:
    return ContactList.objects.create(name="News")


def names() -> dict[str, str]:
    return dict(Contact.objects.values_list("email", "first_name"))


def members(segment: Segment) -> set[str]:
    return set(segment.members.values_list("email", flat=True))


def subscribed(contact_list: ContactList) -> set[str]:
    return set(Contact.objects.on_list(contact_list.pk).values_list("email", flat=True))


def test_without_overwriting_known_contacts_stay_and_go_nowhere(ana, chosen, news, now):
    done = run(draft(PEOPLE, now=now, lists=[news.pk], destinations={"segment": chosen.pk}), now=now)
    assert (done.state, counts(done)) == ("done", {"rows": 2, "created": 1, "left": 1})
    assert names() == {"ana@example.org": "Ana", "bo@example.org": "Bo"}
    assert members(chosen) == subscribed(news) == {"bo@example.org"}
    came = ContactImport.objects.values_list("contact__email", "created", "changed")
    assert list(came) == [("bo@example.org", True, True)]
    [moved] = Transition.objects.all()
    assert (moved.kind, moved.cause, moved.detail) == ("entered", Cause.IMPORT, "people.csv")


def test_overwriting_updates_them_and_puts_them_there_too(ana, chosen, news, now):
    options = {"overwrite": True, "lists": [news.pk], "destinations": {"segment": chosen.pk}}
    done = run(draft(PEOPLE, now=now, **options), now=now)
    assert counts(done) == {"rows": 2, "created": 1, "updated": 1}
    assert names() == {"ana@example.org": "Anna", "bo@example.org": "Bo"}
    assert members(chosen) == subscribed(news) == set(names())
    again = run(draft(PEOPLE, now=now, **options), now=now)
    assert counts(again) == {"rows": 2, "unchanged": 2}
    assert Transition.objects.count() == 2


def test_only_known_contacts(ana, now):
    done = run(draft(PEOPLE, now=now, overwrite=True, create=False), now=now)
    assert counts(done) == {"rows": 2, "updated": 1, "refused": 1}
    assert refusals(done) == [(3, "unknown", "")]


def test_neither_new_nor_known_contacts_is_nothing(now):
    import_run = draft(PEOPLE, now=now, create=False)
    for start in (checking.start, running.start):
        with pytest.raises(NotReady) as caught:
            start(import_run, user=None, now=now)
        assert [problem.place for problem in caught.value.problems] == ["create"]
    assert not Job.objects.exists()


def test_what_is_gone_or_missing_is_named(now):
    import_run = draft(
        "email,age\nana@example.org,3\n",
        now=now,
        targets=["custom.age", "custom.age"],
        match="email",
        lists=[99],
        destinations={"segment": 99},
        consent={"newsletter": "subscribed", "source": " ", "on": "2026-01-01"},
    )
    with pytest.raises(NotReady) as caught:
        running.start(import_run, user=None, now=now)
    places = [problem.place for problem in caught.value.problems]
    assert places == ["mapping", "mapping", "mapping", "match", "lists", "segment", "consent"]


def test_an_empty_cell_erases_only_where_that_is_chosen(now):
    ContactField.objects.create(key="tier", label="Tier", type="text")
    Contact.objects.create(
        email="ana@example.org", external_id="1", first_name="Ana", city="Graz", date_of_birth=date(1990, 1, 1),
        points=7, newsletter="unsubscribed", custom={"tier": "gold", "other": 1}, created_at=now, updated_at=now,
    )  # fmt: skip
    content = "external_id,email,first_name,date_of_birth,points,newsletter,custom.tier\n1,,,,,,\n"
    assert counts(run(draft(content, now=now, match="external_id", overwrite=True), now=now))["unchanged"] == 1
    done = run(draft(content, now=now, match="external_id", overwrite=True, empty="erase"), now=now)
    assert counts(done) == {"rows": 1, "updated": 1}
    ana = Contact.objects.get()
    assert (ana.external_id, ana.email, ana.first_name, ana.date_of_birth, ana.custom) == (
        "1",
        None,
        "",
        None,
        {"other": 1},
    )
    assert (ana.points, ana.newsletter, ana.city) == (7, "unsubscribed", "Graz"), "always set, or not in the file"
    again = run(draft(content, now=now, match="external_id", overwrite=True, empty="erase"), now=now)
    assert counts(again) == {"rows": 1, "unchanged": 1}


@pytest.mark.parametrize("reason", [None, "They asked for it at the fair."])
def test_who_unsubscribed_is_subscribed_again_only_with_a_reason(news, now, reason):
    earlier = datetime(2026, 1, 1, tzinfo=UTC)
    for name, state in (("un", "unsubscribed"), ("sub", "subscribed"), ("never", "never")):
        Contact.objects.create(email=f"{name}@x.org", newsletter=state, newsletter_at=earlier, created_at=earlier)
    unsubscribed = Contact.objects.filter(email="un@x.org")
    subscribe(news, unsubscribed, now=earlier)
    unsubscribe(news, unsubscribed, now=earlier)
    content = """
        email,news,state
        un@x.org,yes,subscribed
        sub@x.org,no,
        never@x.org,,
        new@x.org,yes,
        old@x.org,,unsubscribed
    """
    import_run = draft(
        content,
        now=now,
        targets=["email", f"list:{news.pk}", "newsletter"],
        overwrite=True,
        consent={"newsletter": "subscribed", "source": "fair", "on": "2026-02-01"},
        resubscribe=reason,
    )
    run(import_run, now=now)
    state = "subscribed" if reason else "unsubscribed"
    given = datetime(2026, 2, 1, tzinfo=UTC)
    found = Contact.objects.values_list("email", "newsletter", "newsletter_at")
    moments = {email: (state, at) for email, state, at in found}
    again_at = moments["un@x.org"][1]
    assert moments == {
        "un@x.org": (state, again_at),
        "sub@x.org": ("subscribed", earlier),
        "never@x.org": ("subscribed", given),
        "new@x.org": ("subscribed", given),
        "old@x.org": ("unsubscribed", moments["old@x.org"][1]),
    }
    assert (again_at > now) if reason else (again_at == earlier)
    assert subscribed(news) == {"new@x.org", *(["un@x.org"] if reason else [])}


def test_the_later_row_holds_whether_it_is_in_the_same_batch_or_not(now, settings):
    content = "email,first_name\na@x.org,One\nb@x.org,Bo\nA@X.org,Two\n a@x.org ,Three\n"
    for batch in (100, 1):
        settings.IMPORT_BATCH = batch
        done = run(checked(draft(content, now=now), now=now), now=now)
        assert counts(done) == {"rows": 4, "created": 2, "joined": 2}
        assert names() == {"a@x.org": "Three", "b@x.org": "Bo"}
        Contact.objects.all().delete()


def test_refused_rows_can_be_put_right_and_imported_again(now):
    content = 'email,first_name,born\nana@x.org,=Ana,1990-02-30\n,Bo,\n"c@x.org",Cy,1990-01-01\n'
    import_run = draft(content, now=now, targets=["email", "first_name", "date_of_birth"])
    foreseen = checked(import_run, now=now)
    assert foreseen.state == "checked"
    expected = [("invalid", "born", 1), ("no_key", "", 1)]
    assert [(one["kind"], one["column"], one["count"]) for one in foreseen.check_result["reasons"]] == expected
    done = run(foreseen, now=now)
    assert refusals(done) == [(2, "invalid", "born"), (3, "no_key", "")]
    text = b"".join(refused.as_csv(done)).decode("utf-8-sig")
    header, first, second = csv.reader(io.StringIO(text))
    assert header == ["line", "reason", "email", "first_name", "born"]
    assert (first[0], first[2:]) == ("2", ["ana@x.org", "'=Ana", "1990-02-30"])
    assert (second[0], second[2:]) == ("3", ["", "Bo", ""])
    right = text.replace("1990-02-30", "1990-02-28")
    again = run(draft(right, now=now, targets=["", "", "email", "first_name", "date_of_birth"]), now=now)
    assert counts(again) == {"rows": 2, "created": 1, "refused": 1}
    assert names() == {"ana@x.org": "=Ana", "c@x.org": "Cy"}


def test_a_check_changes_no_contact_and_can_be_repeated(ana, now):
    import_run = draft(PEOPLE + "x,y\n", now=now, overwrite=True)
    for _time in range(2):
        import_run = checked(import_run, now=now)
        assert import_run.check_result["counts"]["refused"] == import_run.refused_rows.count() == 1
    assert names() == {"ana@example.org": "Ana"}
    import_run.options = import_run.options | {"overwrite": False}
    drafting.save_draft(import_run)
    assert (import_run.state, import_run.check_result, import_run.refused_rows.count()) == ("draft", None, 0)


def test_a_mapping_is_offered_again(now):
    import_run = draft("Who,Name\nana@x.org,Ana\n", now=now, targets=["email", "last_name"])
    run(import_run, now=now)
    again = draft(" who,NAME\nbo@x.org,Bo\n", now=now)
    assert [entry["target"] for entry in again.mapping] == ["email", "last_name"]


def test_cancelling_between_batches_keeps_what_is_in(now, settings):
    settings.IMPORT_BATCH = 1
    job = running.start(draft(PEOPLE, now=now), user=None, now=now)
    Job.objects.filter(pk=job.pk).update(state=Job.State.RUNNING, cancel_requested_at=now)
    with pytest.raises(jobs.Cancelled):
        running.import_job(Job.objects.get(pk=job.pk), now=now, clock=Ticking(now))
    import_run = Import.objects.get()
    assert (import_run.state, counts(import_run), import_run.position) == ("cancelled", {"rows": 1, "created": 1}, 1)
    Job.objects.filter(pk=job.pk).update(cancel_requested_at=None)
    done = do(Job.objects.get(pk=job.pk), now=now)
    assert (done.state, counts(done)) == ("done", {"rows": 2, "created": 2}), "tried again, it goes on"


def test_a_file_that_is_gone_fails_the_import_and_says_so(now):
    import_run = draft(PEOPLE, now=now)
    job = running.start(import_run, user=None, now=now)
    import_run.file.storage.delete(import_run.file.name)
    with pytest.raises(UnreadableFile):
        running.import_job(job, now=now)
    failed = Import.objects.get()
    assert (failed.state, failed.error) == ("failed", "The file of this import has been removed.")


def test_an_import_follows_a_job_that_ended_without_it(now):
    import_run = draft(PEOPLE, now=now)
    job = checking.start(import_run, user=None, now=now)
    jobs.cancel(job, user=None, now=now)
    assert states.catch_up(now=now) == 1
    assert Import.objects.get().state == "draft"
    job = running.start(import_run, user=None, now=now)
    Job.objects.filter(pk=job.pk).update(state=Job.State.FAILED, error="The worker died.")
    assert states.catch_up(now=now) == 1
    failed = Import.objects.get()
    assert (failed.state, failed.error) == ("failed", "The worker died.")


def test_a_draft_that_has_begun_is_not_begun_or_changed_again(now):
    import_run = draft(PEOPLE, now=now)
    running.start(import_run, user=None, now=now)
    for again in (
        lambda: running.start(import_run, user=None, now=now),
        lambda: checking.start(import_run, user=None, now=now),
        lambda: drafting.save_draft(import_run),
    ):
        with pytest.raises(drafting.UnderWay):
            again()
    assert Job.objects.count() == 1


def test_events(ana, now):
    content = """
        who,when,amount,order,n
        ana@example.org,2026-03-01,10.50,A-1,2
        ana@example.org,2026-03-02,1,A-1,1
        nobody@example.org,2026-03-01,1,A-2,1
        ana@example.org,later,1,A-3,1
        ana@example.org,2026-03-03,3,,
    """
    import_run = draft(
        content,
        now=now,
        kind="events",
        targets=["email", "occurred_at", "value", "key", "property:quantity:number"],
        event_type="purchase",
    )
    foreseen = checked(import_run, now=now)
    assert not Event.objects.exists()
    expected = [(4, "impossible", ""), (5, "invalid", "when")]
    assert refusals(foreseen) == expected
    done = run(foreseen, now=now)
    assert foreseen.check_result["counts"] == done.counts
    assert counts(done) == {"rows": 5, "created": 2, "unchanged": 1, "refused": 2}
    assert refusals(done) == expected
    assert sorted(Event.objects.values_list("key", "properties"), key=str) == [("A-1", {"quantity": 2}), (None, {})]
    assert list(ContactImport.objects.values_list("contact__email", "created")) == [("ana@example.org", False)]
    assert not undoing.is_possible(done, now=now)


def test_undoing_deletes_whom_nobody_touched(chosen, news, now):
    Contact.objects.create(email="old@x.org", created_at=now, updated_at=now)
    people = ["new", "edited", "event", "listed", "left", "placed", "again", "gone"]
    content = "email,first_name\nold@x.org,Old\n" + "".join(f"{name}@x.org,{name}\n" for name in people)
    options = {"overwrite": True, "lists": [news.pk], "destinations": {"segment": chosen.pk}}
    done = run(draft(content, now=now, **options), now=now)
    later = now + timedelta(hours=1)

    def one(name: str) -> Contact:
        return Contact.objects.get(email=f"{name}@x.org")

    update_contact(one("edited"), {"city": "Graz"}, now=later)
    record([NewEvent("page_visit", later, email="event@x.org")], now=later)
    subscribe(ContactList.objects.create(name="Other"), Contact.objects.filter(email="listed@x.org"), now=later)
    unsubscribe(news, Contact.objects.filter(email="left@x.org"), now=later)
    other = Segment.objects.create(name="Other", kind="static", refreshed_at=now)
    add(other, Contact.objects.filter(email="placed@x.org"), now=later, cause=Cause.HAND)
    run(draft("email\nagain@x.org\n", now=later, overwrite=True), now=later)
    delete_contacts(Contact.objects.filter(email="gone@x.org"), now=later)

    assert undoing.is_possible(done, now=later)
    assert not undoing.is_possible(done, now=now + timedelta(days=7, minutes=1))
    result = undone(done, now=later)
    assert (result.state, result.undone_at is not None) == ("undone", True)
    assert set(names()) == {f"{name}@x.org" for name in ["old", *people] if name not in ("new", "gone")}
    kept = {"edited": 1, "events": 1, "lists": 2, "places": 1, "imports": 1}
    assert result.undo_result == {"deleted": 1, "kept": kept, "kept_in_all": 6}
    assert not undoing.is_possible(result, now=later)
    assert Segment.objects.get(pk=chosen.pk).size == chosen.members.count()


def test_somebody_who_was_edited_between_two_batches_is_kept(now, settings):
    settings.IMPORT_BATCH = 1
    job = running.start(draft("email,city\na@x.org,Graz\na@x.org,Linz\n", now=now), user=None, now=now)
    clock = Ticking(now)
    Job.objects.filter(pk=job.pk).update(state=Job.State.RUNNING, cancel_requested_at=now)
    with pytest.raises(jobs.Cancelled):
        running.import_job(Job.objects.get(pk=job.pk), now=now, clock=clock)
    update_contact(Contact.objects.get(), {"first_name": "Ana"}, now=clock())
    Job.objects.filter(pk=job.pk).update(cancel_requested_at=None)
    running.import_job(Job.objects.get(pk=job.pk), now=now, clock=clock)
    assert Contact.objects.values_list("first_name", "city").get() == ("Ana", "Linz")
    result = undone(Import.objects.get(), now=now)
    assert result.undo_result == {"deleted": 0, "kept": {"edited": 1}, "kept_in_all": 1}


def test_old_files_and_refused_rows_are_removed(now, settings):
    done = run(draft(PEOPLE + "x,y\n", now=now), now=now)
    waiting = draft(PEOPLE, now=now)
    young = draft(PEOPLE, now=now + timedelta(days=1))
    later = now + timedelta(days=settings.IMPORT_FILES_DAYS, hours=1)
    assert cleanup.remove_old(now=later) == 2
    assert set(Import.objects.values_list("pk", "state")) == {(done.pk, "done"), (young.pk, "draft")}
    kept = Import.objects.get(pk=done.pk)
    assert (bool(kept.file), kept.refused_rows.count(), kept.refused) == (False, 0, 1)
    storage = done.file.storage
    assert [storage.exists(one.file.name) for one in (done, waiting, young)] == [False, False, True]
    assert ContactImport.objects.filter(import_run=done).count() == 2
    assert cleanup.remove_old(now=later) == 0


def test_a_file_that_is_too_large_is_not_kept(now, settings):
    settings.IMPORT_MAX_MEGABYTES = 0
    with pytest.raises(UnreadableFile):
        draft(PEOPLE, now=now)
    assert not Import.objects.exists()


def test_whoever_is_deleted_came_with_no_import(now):
    run(draft(PEOPLE, now=now), now=now)
    delete_contacts(Contact.objects.filter(email="bo@example.org"), now=now)
    assert list(ContactImport.objects.values_list("contact__email", flat=True)) == ["ana@example.org"]
    assert not ListMembership.objects.exists()
