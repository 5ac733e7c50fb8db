"""Every file of the table in docs/imports-files.md goes through the wizard: nothing breaks, and nothing is half
imported without being said.
"""

from __future__ import annotations

import csv
import io
from html import unescape

import pytest

from contacts.imports.sources import UnreadableFile
from contacts.models import Contact, Import
from tests.contacts import import_pages
from tests.contacts.hostile import CASES, Case
from tests.contacts.import_pages import OPTIONS, mapping, page, upload, work

REFUSED = [case for case in CASES if case.refusal or case.misnamed]
DAMAGED = [case for case in CASES if case.damaged]
KEYLESS = [case for case in CASES if case.keyless]
IMPORTED = [case for case in CASES if case not in (*REFUSED, *DAMAGED, *KEYLESS)]

pytestmark = pytest.mark.django_db


def each(cases: list[Case]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", cases, ids=lambda case: case.title)


def draft(client, case) -> Import:
    """The import of the file, whose columns go where they seem to; every page on the way is looked at."""
    import_run = import_pages.draft(client, case.data, name=case.name)
    for step in ("source", "fields"):
        assert client.get(page(import_run, step)).status_code == 200
    return import_run


@each(REFUSED)
def test_files_that_are_refused(marketer_client, case):
    response = upload(marketer_client, case.data, name=case.name)
    assert response.status_code == 422
    assert (case.refusal or case.misnamed) in unescape(response.content.decode())
    assert not Import.objects.exists()
    assert not Contact.objects.exists()


@each(IMPORTED)
def test_files_that_are_imported(marketer_client, case):
    import_run = draft(marketer_client, case)
    response = marketer_client.post(page(import_run, "fields"), mapping(import_run))
    assert response.status_code == 303, unescape(response.content.decode())
    assert marketer_client.post(page(import_run, "options"), OPTIONS).status_code == 303
    work()
    import_run.refresh_from_db()
    assert import_run.state == Import.State.CHECKED, import_run.error
    promised = import_run.check_result["counts"]
    assert marketer_client.get(page(import_run, "check")).status_code == 200
    assert marketer_client.post(page(import_run, "run")).status_code == 303
    work()
    import_run.refresh_from_db()
    assert import_run.state == Import.State.DONE, import_run.error
    assert marketer_client.get(page(import_run)).status_code == 200

    refused = case.problems | case.invalid
    created = case.number - len(case.invalid) - case.joined
    assert import_run.counts == promised
    assert import_run.counts == {
        "rows": case.number + len(case.problems),
        "created": created,
        "joined": case.joined,
        "refused": len(refused),
        **dict.fromkeys(("updated", "unchanged", "left"), 0),
    }
    assert Contact.objects.count() == created
    assert dict(import_run.refused_rows.values_list("line", "reason")) == refused
    if refused:
        assert refused_lines(marketer_client, import_run) == sorted(refused)


def refused_lines(client, import_run) -> list[int]:
    content = b"".join(client.get(f"{page(import_run)}refused.csv").streaming_content)
    [_header, *rows] = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""))
    return sorted(int(row[0]) for row in rows)


@each(KEYLESS)
def test_files_of_which_nothing_says_whose_rows_they_are(marketer_client, case):
    import_run = draft(marketer_client, case)
    response = marketer_client.post(page(import_run, "fields"), mapping(import_run))
    assert response.status_code == 422
    assert "Choose the column that has the email or the external id" in response.content.decode()
    assert not Contact.objects.exists()


@each(DAMAGED)
def test_files_that_turn_out_to_be_damaged(marketer_client, case):
    import_run = draft(marketer_client, case)
    marketer_client.post(page(import_run, "fields"), mapping(import_run))
    marketer_client.post(page(import_run, "options"), OPTIONS)
    with pytest.raises(UnreadableFile):  # so that the worker's log has it too
        work()
    import_run.refresh_from_db()
    assert (import_run.state, import_run.error) == (Import.State.DRAFT, case.damaged)
    response = marketer_client.get(page(import_run, "check"))
    assert response.status_code == 200
    assert case.damaged in unescape(response.content.decode())
    assert not Contact.objects.exists()
