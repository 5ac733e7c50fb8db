"""Going through the wizard of imports without a browser."""

from __future__ import annotations

from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client

from contacts.models import Import
from crm import jobs
from crm.models import Job

PEOPLE = """E-Mail,First name,Birthday,Shoe size
ana@example.com,Ana,1964-05-01,38
bo@example.com,Bo,,44
nobody,Cy,,
"""


def upload(client: Client, text: str | bytes = PEOPLE, *, name: str = "people.csv", **fields: Any) -> HttpResponse:
    content = text.encode() if isinstance(text, str) else text
    file = SimpleUploadedFile(name, content)
    return client.post("/contacts/imports/new/", {"kind": "contacts", "uploaded": file, **fields})


def draft(client: Client, text: str | bytes = PEOPLE, **fields: Any) -> Import:
    """The draft of an import of this text."""
    response = upload(client, text, **fields)
    assert response.status_code == 303, response.content.decode()
    return Import.objects.latest("pk")


def page(import_run: Import, step: str = "") -> str:
    return f"/contacts/imports/{import_run.pk}/{f'{step}/' if step else ''}"


def mapping(import_run: Import, **other: str) -> dict[str, str]:
    """What the form of the fields posts for the mapping as it is proposed, and what differs from that."""
    posted = {}
    for place, entry in enumerate(import_run.mapping):
        posted[f"c{place}-target"] = entry["target"]
        posted[f"c{place}-dates"] = entry["dates"] or ""
        posted[f"c{place}-decimal"] = entry["decimal"] or "."
    return posted | {name.replace("__", "-"): value for name, value in other.items()}


def ready(client: Client, text: str | bytes = PEOPLE) -> Import:
    """A draft whose fields are associated."""
    import_run = draft(client, text)
    assert client.post(page(import_run, "fields"), mapping(import_run)).status_code == 303
    return import_run


OPTIONS = {"match": "email", "create": "on", "empty": "keep"}


def work() -> None:
    """What the worker does with the jobs that wait."""
    for job in Job.objects.filter(state=Job.State.QUEUED):
        jobs.run_job(job.pk)


def checked(client: Client, text: str | bytes = PEOPLE, **options: Any) -> Import:
    """An import that has been checked, with the mapping that is proposed."""
    import_run = ready(client, text)
    response = client.post(page(import_run, "options"), OPTIONS | options)
    assert response.status_code == 303, response.content.decode()
    work()
    import_run.refresh_from_db()
    assert import_run.state == Import.State.CHECKED, import_run.error
    return import_run


def done(client: Client, text: str | bytes = PEOPLE, **options: Any) -> Import:
    """An import that is done."""
    import_run = checked(client, text, **options)
    assert client.post(page(import_run, "run")).status_code == 303
    work()
    import_run.refresh_from_db()
    assert import_run.state == Import.State.DONE, import_run.error
    return import_run


def html_of(client: Client, url: str) -> str:
    response = client.get(url)
    assert response.status_code == 200, (url, response.status_code)
    return response.content.decode()


HOSTILE = "<img src=x onerror=alert(1)>"
STEPS = ("source", "fields", "options", "check")
