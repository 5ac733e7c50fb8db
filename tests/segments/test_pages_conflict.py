"""Two people edit the same segment: the second is told, and nothing that either did is lost."""

from datetime import datetime
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from crm.models import User
from segments.models import Segment
from tests.conftest import logged_in
from tests.segments.pages import dynamic, members, people, static, text_of
from tests.segments.printed import Data, editor, group_id, row_ids

pytestmark = pytest.mark.django_db


@pytest.fixture
def mara(marketer: User) -> Client:
    marketer.first_name, marketer.last_name = "Mara", "Conti"
    marketer.save()
    return logged_in(marketer)


@pytest.fixture
def luca(administrator: User) -> Client:
    return logged_in(administrator)


def city(name: str) -> dict[str, Any]:
    return {"type": "field", "field": "city", "operator": "is", "value": name}


def address(segment: Segment) -> str:
    return f"/segments/{segment.pk}/edit/"


def opened(client: Client, segment: Segment) -> Data:
    return editor(client.get(address(segment)))


def sent(client: Client, segment: Segment, data: Data, button: str = "save", value: str = "1") -> Any:
    return client.post(address(segment), data | {button: [value]})


def with_city(data: Data, value: str) -> Data:
    return data | {f"{row_ids(data)[0]}-value": [value]}


def test_the_second_is_told_and_keeps_what_was_typed(mara: Client, luca: Client, now: datetime):
    segment = dynamic("S", city("Rome"), now=now)
    theirs, mine = opened(mara, segment), opened(luca, segment)
    assert sent(mara, segment, with_city(theirs, "Oslo") | {"description": ["<b>North</b>"]}).status_code == 303
    mine = with_city(mine, "Bern") | {"name": ["Swiss"], "is_test": ["on"]}
    response = sent(luca, segment, mine)
    assert response.status_code == 409
    text = text_of(response)
    assert "Mara Conti saved this segment meanwhile (" in text
    assert "Name Saved: S Yours: Swiss" in text
    assert "Description Saved: <b>North</b> Yours: (empty)" in text
    assert "Test segment Saved: No Yours: Yes" in text
    assert "Changed Before: City is Oslo Now: City is Bern" in text
    assert "<b>North" not in response.content.decode()
    kept = editor(response)
    [row] = row_ids(kept)
    assert (kept["name"], kept["is_test"], kept[f"{row}-value"], kept["saved"]) == (
        ["Swiss"],
        ["on"],
        ["Bern"],
        mine["saved"],
    )
    segment.refresh_from_db()
    assert (segment.name, segment.description, segment.version) == ("S", "<b>North</b>", 2)


def test_mine_is_saved_over_it_when_that_is_chosen(mara: Client, luca: Client, now: datetime):
    people("Ana", now=now, city="Bern")
    segment = dynamic("S", city("Rome"), now=now)
    theirs, mine = opened(mara, segment), opened(luca, segment)
    sent(mara, segment, with_city(theirs, "Oslo"))
    told = sent(luca, segment, with_city(mine, "Bern"))
    assert sent(luca, segment, editor(told)).status_code == 409
    data = editor(told)
    response = sent(luca, segment, data, "over", told.context["conflict"].token)
    assert (response.status_code, response.url) == (303, f"/segments/{segment.pk}/")
    segment.refresh_from_db()
    assert (segment.version, segment.conditions["rules"], members(segment)) == (3, [city("Bern")], {"Ana"})
    assert list(segment.versions.order_by("version").values_list("saved_by__username", flat=True)) == [
        None,
        "marketer",
        "administrator",
    ]


def test_a_third_who_saves_before_the_choice_is_not_overwritten(mara: Client, luca: Client, now: datetime):
    segment = dynamic("S", city("Rome"), now=now)
    theirs, mine = opened(mara, segment), opened(luca, segment)
    sent(mara, segment, with_city(theirs, "Oslo"))
    told = sent(luca, segment, with_city(mine, "Bern"))
    sent(mara, segment, with_city(opened(mara, segment), "Wien"))
    again = sent(luca, segment, editor(told), "over", told.context["conflict"].token)
    assert again.status_code == 409
    assert "Before: City is Wien Now: City is Bern" in text_of(again)


def test_the_saved_one_is_shown_when_mine_is_discarded(mara: Client, luca: Client, now: datetime):
    segment = dynamic("S", city("Rome"), now=now)
    theirs, mine = opened(mara, segment), opened(luca, segment)
    sent(mara, segment, with_city(theirs, "Oslo"))
    told = sent(luca, segment, with_city(mine, "Bern"))
    assert f'href="{address(segment)}">Discard mine and show the saved one' in told.content.decode()
    data = opened(luca, segment)
    assert data[f"{row_ids(data)[0]}-value"] == ["Oslo"]
    assert sent(luca, segment, with_city(data, "Bern")).status_code == 303


def test_what_was_being_edited_is_remembered_while_the_tree_changes(mara: Client, luca: Client, now: datetime):
    segment = dynamic("S", city("Rome"), now=now)
    mine = opened(luca, segment)
    sent(mara, segment, with_city(opened(mara, segment), "Oslo"))
    mine = editor(sent(luca, segment, mine, "add", group_id(mine)))
    _first, second = row_ids(mine)
    faulty = sent(luca, segment, mine)
    assert (faulty.status_code, editor(faulty)["saved"]) == (422, mine["saved"])
    mine = editor(faulty) | {f"{second}-subject": ["points"], f"{second}-operator": ["is_set"]}
    response = sent(luca, segment, mine)
    assert response.status_code == 409
    assert "Changed Before: City is Oslo Now: City is Rome Added Points has a value" in text_of(response)


def test_a_name_alone(mara: Client, luca: Client, now: datetime):
    segment = static("S", now=now)
    theirs, mine = opened(mara, segment), opened(luca, segment)
    sent(mara, segment, theirs | {"name": ["Guests"]})
    response = sent(luca, segment, mine | {"description": ["Of the fair"]})
    assert response.status_code == 409
    assert "Name Saved: Guests Yours: S Description Saved: (empty) Yours: Of the fair" in text_of(response)
    token = response.context["conflict"].token
    assert sent(luca, segment, editor(response), "over", token).status_code == 303
    segment.refresh_from_db()
    assert (segment.name, segment.description) == ("S", "Of the fair")


def test_the_same_on_both_sides_is_no_conflict(mara: Client, luca: Client, now: datetime):
    segment = dynamic("S", city("Rome"), now=now)
    theirs, mine = opened(mara, segment), opened(luca, segment)
    sent(mara, segment, with_city(theirs, "Oslo"))
    assert sent(luca, segment, with_city(mine, "Oslo")).status_code == 303


def test_a_refresh_meanwhile_is_no_conflict(mara: Client, now: datetime):
    segment = dynamic("S", city("Rome"), now=now)
    data = opened(mara, segment)
    assert mara.post(f"/segments/{segment.pk}/refresh/").status_code == 303
    assert sent(mara, segment, with_city(data, "Oslo")).status_code == 303


@pytest.mark.parametrize("token", [[], [""], ["nonsense"]])
def test_a_form_without_what_was_edited_overwrites_nothing(mara: Client, now: datetime, token: list[str]):
    segment = dynamic("S", city("Rome"), now=now)
    data = with_city(opened(mara, segment), "Oslo") | {"saved": token}
    assert sent(mara, segment, data).status_code == 409
    segment.refresh_from_db()
    assert segment.version == 1


@pytest.mark.parametrize("number", [1, 3])
def test_queries_do_not_grow_with_the_conditions(
    mara: Client, luca: Client, now: datetime, number: int, django_assert_num_queries: Any
):
    segment = dynamic("S", *[city("Rome")] * number, now=now)
    mine = opened(luca, segment)
    sent(mara, segment, with_city(opened(mara, segment), "Oslo"))
    # On PostgreSQL one more: the lock that lets one save come after the other.
    with django_assert_num_queries(21 if connection.vendor == "postgresql" else 20):
        assert sent(luca, segment, with_city(mine, "Bern")).status_code == 409
