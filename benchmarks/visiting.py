"""Part of a benchmark: visits of pages over HTTP, beside a view that does nothing."""

from __future__ import annotations

import json
import time
from http.client import HTTPConnection
from typing import Any

from django.core.management import call_command
from django.utils import timezone

from benchmarks.report import table
from benchmarks.server import server
from contacts.models import Contact
from segments.editing import create_segment
from segments.membership import add
from segments.models import Cause
from workflows.activation import activate
from workflows.models import Run, Workflow

VISITOR = "visitor-of-the-benchmark-{number:04}"
WARM_UP = 50


def main(workflows: str, requests: str) -> None:
    """Print the medians and the 99th percentiles."""
    call_command("migrate", verbosity=0)
    prepare(int(workflows), int(requests) + WARM_UP)
    bodies = [visit(number, int(workflows)) for number in range(int(requests) + WARM_UP)]
    with server() as port:
        connection = HTTPConnection("127.0.0.1", port, timeout=30)
        nothing, visits = [], []
        for body in bodies:  # in turns, so that both have the same machine
            nothing.append(ask(connection, "/nothing", body)[0])
            milliseconds, answer = ask(connection, "/t/events", body)
            visits.append(milliseconds)
            if len(json.loads(answer)["contents"]) != 1:
                raise SystemExit(f"A visit was not answered with its content: {answer!r}")
    tell(int(workflows), nothing[WARM_UP:], visits[WARM_UP:])
    if Run.objects.count() != len(bodies):
        raise SystemExit(f"{len(bodies)} visits, {Run.objects.count()} runs.")


def prepare(number: int, visitors: int) -> None:
    """Visitors, a segment with all of them, and the workflows."""
    now = timezone.now()
    for place in range(visitors):
        Contact.objects.create(visitor_key=VISITOR.format(number=place), created_at=now, updated_at=now)
    segment = create_segment(name="Millennials", kind="static", now=now)
    add(segment, Contact.objects.all(), now=now, cause=Cause.HAND)
    for place in range(number):
        workflow = Workflow.objects.create(
            name=f"Page {place}", draft=graph(place, segment.pk), created_at=now, updated_at=now
        )
        activate(workflow, now=now, user=None)


def graph(place: int, segment_id: int) -> dict[str, Any]:
    """On page visit, is in segment, send web content."""
    content = {"name": "Hello", "kind": "popup", "title": "Hello", "html": f"<p>Page {place}</p>", "days": 30}
    nodes = [
        ("start", "start", {"reentry": "always"}),
        ("visit", "page_visit", {"starts_with": f"/page-{place}/"}),
        ("asks", "is_in_segment", {"segment": segment_id}),
        ("shows", "send_web_content", content),
    ]
    edges = [("start", "next", "visit"), ("visit", "next", "asks"), ("asks", "yes", "shows")]
    return {
        "nodes": [{"id": pk, "type": kind, "x": 0, "y": 0, "settings": values} for pk, kind, values in nodes],
        "edges": [{"from": start, "port": port, "to": end} for start, port, end in edges],
    }


def visit(number: int, workflows: int) -> str:
    """What the browser of a visitor sends."""
    url = f"https://shop.example/page-{number % workflows}/chairs"
    event = {"type": "page_visit", "id": f"e{number}", "properties": {"url": url, "device": "desktop"}}
    return json.dumps({"visitor": VISITOR.format(number=number), "events": [event]})


def ask(connection: HTTPConnection, path: str, body: str) -> tuple[float, bytes]:
    """How long an answer took in milliseconds, and the answer."""
    begun = time.perf_counter()
    connection.request("POST", path, body, {"Content-Type": "text/plain", "Origin": "https://shop.example"})
    response = connection.getresponse()
    answer = response.read()
    if response.status != 200:
        raise SystemExit(f"{path}: {response.status} {answer!r}")
    return 1_000 * (time.perf_counter() - begun), answer


def tell(workflows: int, nothing: list[float], visits: list[float]) -> None:
    def at(times: list[float], share: float) -> float:
        return sorted(times)[int(share * (len(times) - 1))]

    rows = [
        [name, f"{at(times, 0.5):.2f}", f"{at(times, 0.99):.2f}"]
        for name, times in (("an empty view", nothing), ("a visit with its content", visits))
    ]
    rows.append(["ratio", *(f"{at(visits, share) / at(nothing, share):.1f}" for share in (0.5, 0.99))])
    table(f"Milliseconds, {workflows} active workflows", ["", "median", "99 %"], rows)
