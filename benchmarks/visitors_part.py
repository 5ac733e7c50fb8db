"""Part of a benchmark: visitors of a shop, and what workflows made of their visits."""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter
from http.client import HTTPConnection, HTTPException
from typing import Any

from django.core.management import call_command
from django.db import connection
from django.db.models import Count, Sum
from django.utils import timezone

from benchmarks.report import table
from benchmarks.server import server
from contacts.models import Arrival, Contact, Event
from crm.api_keys import create_key
from workflows.activation import activate
from workflows.models import Run, Workflow

VISITOR = "visitor-of-the-benchmark-{number:04}"
SENT_AGAIN = 0.1  # share of the requests that repeat an earlier one
SECONDS_TO_CATCH_UP = 120
ORIGIN = "https://shop.example"


def main(seconds: str, workflows: str, visitors: str, threads: str) -> None:
    """Send, wait until all is done, and stop unless it adds up."""
    call_command("migrate", verbosity=0)
    secret = prepare(int(workflows), int(visitors))
    with server() as port:
        load = Load(port, secret, workflows=int(workflows), visitors=int(visitors))
        senders = [threading.Thread(target=load.send, args=(number,)) for number in range(int(threads))]
        for thread in senders:
            thread.start()
        time.sleep(float(seconds))
        load.over.set()
        for thread in senders:
            thread.join()
        behind = wait_until_done()
    tell(load, float(seconds), behind)
    check(load)


def prepare(workflows: int, visitors: int) -> str:
    """Visitors whom the shop knows, the workflows, and a key, which is returned."""
    now = timezone.now()
    for number in range(visitors):
        names = {"visitor_key": VISITOR.format(number=number), "external_id": f"c{number}"}
        Contact.objects.create(**names, created_at=now, updated_at=now)
    for place in range(workflows):
        workflow = Workflow.objects.create(name=f"Page {place}", draft=graph(place), created_at=now, updated_at=now)
        activate(workflow, now=now, user=None)
    _key, secret = create_key(name="Benchmark", scopes=["events:write"], now=now)
    return secret


def graph(place: int) -> dict[str, Any]:
    """On page visit, add points, end."""
    nodes = [
        ("start", "start", {"reentry": "always"}),
        ("visit", "page_visit", {"exactly": f"/page-{place}"}),
        ("point", "add_points", {"points": 1}),
        ("end", "end", {}),
    ]
    edges = [("start", "visit"), ("visit", "point"), ("point", "end")]
    return {
        "nodes": [{"id": pk, "type": kind, "x": 0, "y": 0, "settings": values} for pk, kind, values in nodes],
        "edges": [{"from": start, "port": "next", "to": end} for start, end in edges],
    }


class Load:
    """What is sent, and which visits were confirmed."""

    def __init__(self, port: int, secret: str, *, workflows: int, visitors: int) -> None:
        self.port, self.secret, self.workflows, self.visitors = port, secret, workflows, visitors
        self.over = threading.Event()
        self.confirmed: dict[str, int] = {}  # the page by the key of the visit
        self.milliseconds: list[float] = []
        self.repeated = self.failed = 0
        self._lock = threading.Lock()

    def send(self, number: int) -> None:
        """Send until it is over: each a request of a browser, or of the shop's server."""
        chance = random.Random(number)
        request = HTTPConnection("127.0.0.1", self.port, timeout=60)
        place = 0
        while not self.over.is_set():
            place += 1
            visits = [(f"{number}-{place}-{each}", chance.randrange(self.workflows)) for each in range(2)]
            visitor = chance.randrange(self.visitors)
            by_browser = chance.random() < 0.5
            for _time in range(2 if chance.random() < SENT_AGAIN else 1):
                request = self._post(request, visitor, visits, by_browser=by_browser)
                self.repeated += _time

    def _post(
        self, request: HTTPConnection, visitor: int, visits: list[tuple[str, int]], *, by_browser: bool
    ) -> HTTPConnection:
        path, body, headers = self._from_browser(visitor, visits) if by_browser else self._from_server(visitor, visits)
        while True:
            before = time.perf_counter()
            try:
                request.request("POST", path, body, headers)
                response = request.getresponse()
                answer = response.read()
                if response.status == 200:
                    break
                print(response.status, answer[:200])
            except (OSError, HTTPException):
                request.close()
                request = HTTPConnection("127.0.0.1", self.port, timeout=60)
            self.failed += 1
            time.sleep(0.1)
        with self._lock:
            self.milliseconds.append(1_000 * (time.perf_counter() - before))
            self.confirmed.update(visits)
        return request

    def _from_browser(self, visitor: int, visits: list[tuple[str, int]]) -> tuple[str, str, dict[str, str]]:
        events = [
            {"type": "page_visit", "id": key, "properties": {"url": f"{ORIGIN}/page-{page}"}} for key, page in visits
        ]
        body = json.dumps({"visitor": VISITOR.format(number=visitor), "events": events})
        return "/t/events", body, {"Content-Type": "text/plain", "Origin": ORIGIN}

    def _from_server(self, visitor: int, visits: list[tuple[str, int]]) -> tuple[str, str, dict[str, str]]:
        now = timezone.now().isoformat()
        events = [
            {
                "type": "page_visit",
                "external_id": f"c{visitor}",
                "occurred_at": now,
                "key": key,
                "properties": {"url": f"{ORIGIN}/page-{page}"},
            }
            for key, page in visits
        ]
        headers = {"Authorization": f"Bearer {self.secret}", "Content-Type": "application/json"}
        return "/api/v1/events/batch", json.dumps({"events": events}), headers


def wait_until_done() -> float | None:
    """Seconds until nothing is left to be taken in or worked; None if that is not in time."""
    began = time.monotonic()
    while time.monotonic() < began + SECONDS_TO_CATCH_UP:
        if not Arrival.objects.exists() and not Run.objects.inside().exists():
            return time.monotonic() - began
        time.sleep(0.1)
    return None


def tell(load: Load, seconds: float, behind: float | None) -> None:
    times = sorted(load.milliseconds)
    received = dict(Event.objects.values_list("pk", "received_at"))
    lags = sorted(
        1_000 * (ended - received[event_id]).total_seconds()
        for event_id, ended in Run.objects.filter(ended_at__isnull=False).values_list("event_id", "ended_at")
    )
    rows = [
        ["requests a second", f"{len(times) / seconds:.1f}"],
        ["visits a second", f"{len(load.confirmed) / seconds:.1f}"],
        ["requests that repeat an earlier one", f"{load.repeated}"],
        ["requests that failed and were sent again", f"{load.failed}"],
        ["a request, median (ms)", f"{times[len(times) // 2]:.0f}"],
        ["a request, 99 % (ms)", f"{times[len(times) * 99 // 100]:.0f}"],
        ["from an event to the end of its run, median (ms)", f"{lags[len(lags) // 2]:.0f}"],
        ["from an event to the end of its run, 99 % (ms)", f"{lags[len(lags) * 99 // 100]:.0f}"],
        ["until all was done after the last request (s)", "not in time" if behind is None else f"{behind:.1f}"],
    ]
    table(f"{load.workflows} active workflows, {connection.vendor}", ["", "figure"], rows)


def check(load: Load) -> None:
    """Stop unless every visit has begun one run, and has added one point."""
    visits = Counter(load.confirmed.values())
    runs = dict(
        Run.objects.order_by()
        .values_list("workflow__name")
        .annotate(number=Count("pk"))
        .values_list("workflow__name", "number")
    )
    lost = sum(max(0, number - runs.get(f"Page {page}", 0)) for page, number in visits.items())
    doubled = sum(max(0, runs.get(f"Page {page}", 0) - number) for page, number in visits.items())
    points = Contact.objects.aggregate(all=Sum("points"))["all"]
    finished = Run.objects.filter(state=Run.State.FINISHED).count()
    rows = [
        ["visits confirmed", f"{len(load.confirmed):,}"],
        ["runs", f"{sum(runs.values()):,}"],
        ["runs that came to their end", f"{finished:,}"],
        ["points", f"{points:,}"],
        ["lost", f"{lost}"],
        ["doubled", f"{doubled}"],
    ]
    table("What became of them", ["", "figure"], rows)
    if lost or doubled or not len(load.confirmed) == sum(runs.values()) == finished == points:
        raise SystemExit("Something was lost, doubled or not done.")
