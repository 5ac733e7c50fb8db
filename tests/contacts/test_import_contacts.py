"""Importing contacts: exactly who is created, changed, left alone and refused."""

from datetime import UTC, date, datetime, timedelta
from random import Random
from threading import Barrier, Thread

import pytest
from django.db import connection, connections

from contacts.fields import catalogue
from contacts.imports import contacts as importing
from contacts.imports.contacts import import_contacts
from contacts.imports.counts import Counts
from contacts.imports.mapping import MappingError, contact_targets, map_columns
from contacts.lists import subscribe, unsubscribe
from contacts.models import Change, Contact, ContactField, ContactList, ListMembership
from tests.contacts.change_log import changes_of
from tests.contacts.files import table_of

EARLIER = datetime(2026, 1, 1, tzinfo=UTC)

Refusals = list[tuple[int, str]]


@pytest.fixture(autouse=True)
def custom_fields(db) -> None:
    for key, kind in (("tier", "text"), ("score", "decimal"), ("vip", "boolean")):
        ContactField.objects.create(key=key, label=key, type=kind)


def imported(content: str, now: datetime, **options) -> tuple[Counts, Refusals]:
    """Import a file given as text with indented lines; who was refused, by line."""
    refusals: Refusals = []
    text = "\n".join(line.strip() for line in content.strip().splitlines())
    table, fields = table_of(text), catalogue()
    done = import_contacts(
        table,
        map_columns(table.columns, [], contact_targets(fields)),
        fields,
        now=now,
        refuse=lambda row, reason: refusals.append((row.line, reason)),
        progress=lambda so_far: None,
        **options,
    )
    return done, refusals


def people(*names: str) -> set[tuple]:
    return set(Contact.objects.values_list(*(names or ("external_id", "email", "first_name"))))


def test_new_contacts(now):
    done, refusals = imported(
        """
        external_id,email,first_name,date_of_birth,country,points,custom.tier,custom.vip
        1,Ana@Example.org,Ana,1964-05-01,es,3,gold,yes
        2,,Łukasz,,,,,
        """,
        now,
    )
    assert (done, refusals) == (Counts(created=2), [])
    ana, lukasz = Contact.objects.order_by("external_id")
    assert (ana.email, ana.first_name, ana.date_of_birth, ana.country) == (
        *("ana@example.org", "Ana"),
        *(date(1964, 5, 1), "ES"),
    )
    assert (ana.points, ana.custom) == (3, {"tier": "gold", "vip": True})
    assert (lukasz.email, lukasz.first_name, lukasz.date_of_birth, lukasz.country) == (None, "Łukasz", None, "")
    assert (lukasz.points, lukasz.custom, lukasz.phone, lukasz.newsletter) == (0, {}, "", "never")
    assert {ana.created_at, ana.updated_at, lukasz.created_at, lukasz.updated_at} == {now}
    assert (lukasz.visitor_key, lukasz.purchases_count, lukasz.first_seen_at) == (None, 0, None)
    assert changes_of(ana) == changes_of(lukasz) == {"contact"}
    assert list(Contact.objects.search("lukasz")) == []
    assert list(Contact.objects.search("ŁUKASZ")) == [lukasz]


def test_a_contact_that_was_imported_is_stored_as_the_orm_stores_it(now):
    imported("external_id,first_name,date_of_birth,newsletter,points,custom.tier\n1,É,1964-05-01,subscribed,3,é", now)
    fields = {"first_name": "É", "date_of_birth": date(1964, 5, 1), "newsletter": "subscribed", "points": 3}
    moments = dict.fromkeys(("newsletter_at", "created_at", "updated_at"), now)
    Contact.objects.create(external_id="2", custom={"tier": "é"}, **fields, **moments)
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM contacts_contact ORDER BY external_id")
        names = [column[0] for column in cursor.description]
        ours, djangos = (dict(zip(names, row, strict=True)) for row in cursor.fetchall())
    for name in ("id", "external_id", "search"):
        del ours[name], djangos[name]
    assert ours == djangos


def test_known_contacts_get_what_differs(now):
    known = {"created_at": EARLIER, "updated_at": EARLIER}
    ana = Contact.objects.create(external_id="1", first_name="Ana", city="Rome", points=7, **known)
    bo = Contact.objects.create(external_id="2", first_name="Bo", city="Oslo", **known)
    cy = Contact.objects.create(external_id="3", first_name="Cy", custom={"tier": "gold", "score": 1.5}, **known)
    Change.objects.all().delete()
    done, refusals = imported(
        """
        external_id,first_name,city,custom.tier,custom.score
        1,Anna,,,
        2,Bo,Oslo,,
        3,Cy,Paris,silver,1.50
        """,
        now,
    )
    assert (done, refusals) == (Counts(updated=2, unchanged=1), [])
    for contact in (ana, bo, cy):
        contact.refresh_from_db()
    assert (ana.first_name, ana.city, ana.points, ana.updated_at) == ("Anna", "Rome", 7, now)
    assert (bo.first_name, bo.city, bo.updated_at) == ("Bo", "Oslo", EARLIER)
    assert (cy.city, cy.custom, cy.updated_at) == ("Paris", {"tier": "silver", "score": 1.5}, now)
    assert {ana.created_at, bo.created_at, cy.created_at} == {EARLIER}
    assert changes_of(ana) == {"field:first_name", "field:updated_at"}
    assert changes_of(bo) == set()
    assert changes_of(cy) == {"field:city", "field:custom.tier", "field:updated_at"}


def test_the_same_file_again_changes_nothing(now):
    content = """
        external_id,email,first_name,date_of_birth,newsletter,newsletter_at,points,custom.tier,custom.score,custom.vip
        1,a@example.org,Ana,1964-05-01,subscribed,2020-02-03 10:00,3,gold “é”,12.50,yes
        2,,,,,,,,,
        """
    assert imported(content, now)[0] == Counts(created=2)
    Change.objects.all().delete()
    before = list(Contact.objects.order_by("pk").values())
    assert imported(content, now + timedelta(days=1)) == (Counts(unchanged=2), [])
    assert list(Contact.objects.order_by("pk").values()) == before
    assert not Change.objects.exists()


def test_emails_are_compared_without_case(now):
    ana = Contact.objects.create(email="ana@example.org")
    done, _refusals = imported("email,first_name\nANA@Example.ORG,Ana\n", now)
    assert done == Counts(updated=1)
    assert people("id", "email", "first_name") == {(ana.pk, "ana@example.org", "Ana")}


def test_a_contact_is_found_by_the_other_key_where_the_first_says_nothing(now):
    by_email = Contact.objects.create(email="a@example.org")
    by_id = Contact.objects.create(external_id="2", email="b@example.org")
    unknown_to_file = Contact.objects.create(external_id="3", email="c@example.org")
    done, refusals = imported(
        """
        external_id,email,first_name
        1,a@example.org,gets an id
        2,b2@example.org,gets another email
        ,c@example.org,has no id here
        4,d@example.org,is new
        """,
        now,
    )
    assert (done, refusals) == (Counts(created=1, updated=3), [])
    assert people("id", "external_id", "email", "first_name") == {
        (by_email.pk, "1", "a@example.org", "gets an id"),
        (by_id.pk, "2", "b2@example.org", "gets another email"),
        (unknown_to_file.pk, "3", "c@example.org", "has no id here"),
        (Contact.objects.latest("pk").pk, "4", "d@example.org", "is new"),
    }


@pytest.mark.parametrize(
    ("match", "result", "line_3"),
    [
        ("external_id", {("1", "b@example.org"), ("2", "y@example.org")}, "email “a@example.org”"),
        ("email", {("8", "a@example.org"), ("2", "y@example.org")}, "external_id “2”"),
    ],
)
def test_rows_that_contradict_what_is_stored(now, match, result, line_3):
    Contact.objects.create(external_id="1", email="a@example.org")
    Contact.objects.create(external_id="2", email="y@example.org")
    first = "1,b@example.org" if match == "external_id" else "8,a@example.org"
    second = "9,y@example.org" if match == "external_id" else "2,z@example.org"
    done, refusals = imported(f"external_id,email\n{first}\n{second}\n", now, match=match)
    taken = "email “y@example.org”" if match == "external_id" else "external_id “2”"
    assert (done, refusals) == (
        Counts(updated=1, refused=1),
        [(3, f"The {taken} belongs to another contact.")],
    )
    assert people("external_id", "email") == result


def test_a_row_that_names_two_contacts_is_refused(now):
    Contact.objects.create(external_id="1")
    Contact.objects.create(email="b@example.org")
    done, refusals = imported("external_id,email,first_name\n1,b@example.org,Bo\n", now)
    assert (done, refusals) == (
        Counts(refused=1),
        [(2, "The email “b@example.org” belongs to another contact.")],
    )
    assert people() == {("1", None, ""), (None, "b@example.org", "")}


def test_rows_of_one_contact(now):
    done, refusals = imported(
        """
        external_id,email,first_name,city,custom.tier,custom.score
        1,a@example.org,Ann,Rome,gold,
        2,,Bo,,,
        1,A@example.org,Anna,,,3
        """,
        now,
    )
    assert (done, refusals) == (Counts(created=2, joined=1), [])
    anna = Contact.objects.get(external_id="1")
    assert (anna.first_name, anna.city, anna.custom) == ("Anna", "Rome", {"tier": "gold", "score": 3})


def test_rows_that_come_to_be_of_one_contact(now):
    """The first makes the contact, the second gives it an id, the third finds it by that, the fourth contradicts it."""
    done, refusals = imported(
        """
        external_id,email,first_name
        ,a@example.org,one
        1,a@example.org,two
        1,,three
        2,a@example.org,four
        """,
        now,
    )
    assert (done, refusals) == (
        Counts(created=1, joined=2, refused=1),
        [(5, "The email “a@example.org” belongs to another contact.")],
    )
    assert people() == {("1", "a@example.org", "three")}


@pytest.mark.parametrize("match", ["external_id", "email"])
@pytest.mark.parametrize("seed", range(6))
def test_rows_count_one_after_the_other_in_batches_of_any_size(now, monkeypatch, seed, match):
    random = Random(seed)

    def row(number: int) -> str:
        external_id = random.choice(["", *"12345678"])
        email = random.choice(["", *(f"p{person}@example.org" for person in range(8))])
        return f"{external_id},{email},n{number},{random.choice(['', 'Rome', 'Oslo'])},{random.choice(['', 'gold'])}"

    stored = [("1", None), ("2", "p2@example.org"), (None, "p3@example.org"), ("4", "p5@example.org")]
    content = "external_id,email,first_name,city,custom.tier\n" + "\n".join(row(number) for number in range(60))
    results = []
    for size in (1, 7, 5_000):
        monkeypatch.setattr(importing, "ROWS_IN_ONE_BATCH", size)
        Contact.objects.all().delete()
        for external_id, email in stored:
            Contact.objects.create(external_id=external_id, email=email)
        done, refusals = imported(content, now, match=match)
        assert done.rows == 60
        assert done.refused == len(refusals)
        everybody = Contact.objects.values_list("external_id", "email", "first_name", "city", "custom__tier")
        results.append((set(everybody), sorted(refusals)))
    assert results[0] == results[1] == results[2]


def test_a_key_that_one_row_gives_up_can_be_taken_by_the_next(now):
    ana, bo = Contact.objects.create(external_id="1", email="a@example.org"), Contact.objects.create(external_id="2")
    done, refusals = imported(
        """
        external_id,email,first_name
        1,new@example.org,Ana
        2,a@example.org,Bo
        2,,Bob
        3,a@example.org,refused
        """,
        now,
    )
    assert (done, refusals) == (
        Counts(updated=2, joined=1, refused=1),
        [(5, "The email “a@example.org” belongs to another contact.")],
    )
    assert people("id", "email", "first_name") == {
        (ana.pk, "new@example.org", "Ana"),
        (bo.pk, "a@example.org", "Bob"),
    }


def test_bad_rows_are_refused_with_all_their_reasons(now):
    done, refusals = imported(
        """
        external_id,email,date_of_birth,country,custom.score
        1,ana@example,1970-02-30,ES,
        ,,,ES,1
        3,,,Nowhere,x
        4,d@example.org,,,
        5,e@example.org
        6,"f
        @example.org",,,
        7,g@example.org,,,,
        """,
        now,
    )
    nowhere = "Select a valid choice. Nowhere is not one of the available choices."
    assert refusals == [
        (2, "Email: Enter a valid email address. Date of birth: “1970-02-30” is not a date and time that exists."),
        (3, "The row has neither an email nor an external id."),
        (4, f"Country: {nowhere} score: “x” is not a number such as 1234.50."),
        (6, "The number of values (2) is not the number of columns (5)."),
        (7, "Email: Enter a valid email address."),
        (9, "The number of values (6) is not the number of columns (5)."),
    ]
    assert done == Counts(created=1, refused=6)
    assert people() == {("4", "d@example.org", "")}


def test_a_list_of_choices_without_any_keeps_what_is_stored(now):
    options = [{"value": "tea", "label": "Tea"}]
    ContactField.objects.create(key="drinks", label="Drinks", type="choices", options=options)
    ana = Contact.objects.create(external_id="1", custom={"drinks": ["tea"]})
    assert imported("external_id,custom.drinks\n1, | \n", now)[0] == Counts(unchanged=1)
    ana.refresh_from_db()
    assert ana.custom == {"drinks": ["tea"]}


def test_a_newsletter_state_that_changes_is_dated(now):
    for key, state in (("1", "never"), ("2", "subscribed"), ("3", "subscribed"), ("4", "pending")):
        Contact.objects.create(external_id=key, newsletter=state, newsletter_at=EARLIER)
    done, _refusals = imported(
        """
        external_id,newsletter,newsletter_at
        1,subscribed,
        2,subscribed,
        3,unsubscribed,2025-05-05
        4,,
        5,subscribed,
        6,never,
        7,pending,2025-05-05
        """,
        now,
    )
    assert done == Counts(created=3, updated=2, unchanged=2)
    given = datetime(2025, 5, 5, tzinfo=UTC)
    assert people("external_id", "newsletter", "newsletter_at") == {
        ("1", "subscribed", now),
        ("2", "subscribed", EARLIER),
        ("3", "unsubscribed", given),
        ("4", "pending", EARLIER),
        ("5", "subscribed", now),
        ("6", "never", None),
        ("7", "pending", given),
    }


def test_a_newsletter_state_without_a_column_for_its_date(now):
    imported("external_id,newsletter\n1,subscribed\n2,never\n", now)
    assert people("external_id", "newsletter_at") == {("1", now), ("2", None)}


def test_subscribing_to_a_list(now):
    news = ContactList.objects.create(name="News")
    stays, leaves = (Contact.objects.create(external_id=key) for key in "12")
    other = Contact.objects.create(external_id="other")
    subscribe(news, Contact.objects.filter(pk__in=[stays.pk, leaves.pk]), now=EARLIER)
    unsubscribe(news, Contact.objects.filter(pk=leaves.pk), now=EARLIER)
    Contact.objects.create(email="b@example.org")
    imported(
        """
        external_id,email
        1,
        2,
        3,c@example.org
        ,d@example.org
        other,b@example.org
        4,not an email
        """,
        now,
        contact_list=news,
    )
    rows = set(ListMembership.objects.values_list("contact__external_id", "contact__email", "subscribed_at"))
    assert rows == {
        ("1", None, EARLIER),
        ("2", None, EARLIER),
        ("3", "c@example.org", now),
        (None, "d@example.org", now),
    }
    assert other not in Contact.objects.on_list(news.pk)
    assert leaves not in Contact.objects.on_list(news.pk)


@pytest.mark.parametrize(
    ("columns", "match", "reason"),
    [
        ("first_name", None, "No column goes to “email” or “external_id”: nothing tells the contacts apart."),
        ("email", "external_id", "No column goes to the field “external_id”, by which contacts are to be found."),
    ],
)
def test_something_must_tell_contacts_apart(now, columns, match, reason):
    with pytest.raises(MappingError) as error:
        imported(f"{columns}\nx\n", now, match=match)
    assert str(error.value) == reason


@pytest.mark.parametrize("number", [1, 300])
def test_a_batch_takes_a_constant_number_of_queries(now, django_assert_num_queries, number):
    rows = "\n".join(f"{index},p{index}@example.org,gold" for index in range(number))
    # Custom fields; savepoint; known contacts; new ids; the new contacts; end of the savepoint.
    with django_assert_num_queries(6):
        imported(f"external_id,email,custom.tier\n{rows}\n", now)
    assert Contact.objects.count() == number


def test_progress_is_told_after_each_batch(now, monkeypatch):
    monkeypatch.setattr(importing, "ROWS_IN_ONE_BATCH", 2)
    told: list[int] = []
    table, fields = table_of(b"external_id\n1\n2\n3\n4\n5\n"), catalogue()
    import_contacts(
        table,
        map_columns(table.columns, [], contact_targets(fields)),
        fields,
        now=now,
        refuse=lambda row, reason: None,
        progress=lambda done: told.append(done.created),
    )
    assert told == [2, 4, 5]


@pytest.mark.django_db(transaction=True)
def test_imports_at_the_same_time_make_no_contact_twice(now):
    barrier = Barrier(3)
    results: list[Counts] = []
    failures: list[BaseException] = []
    content = "external_id,email\n" + "\n".join(f"{number},p{number}@example.org" for number in range(400))

    def run() -> None:
        try:
            barrier.wait()
            results.append(imported(content, now)[0])
        except BaseException as error:
            failures.append(error)
        finally:
            connections.close_all()

    threads = [Thread(target=run) for _number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert sum(result.created for result in results) == 400
    assert sum(result.unchanged for result in results) == 800
    assert Contact.objects.count() == 400
