"""Part of a benchmark: send events to a server of its own, and count what became of them."""

from __future__ import annotations

import json
import random
import threading
import time
from datetime import timedelta
from http.client import HTTPConnection, HTTPException
from statistics import median
from typing import Any

from django.core.management import call_command
from django.db import connection, connections
from django.db.models import Sum
from django.utils import timezone

from benchmarks.report import table
from benchmarks.server import server
from contacts.models import Change, Contact, Event
from crm.api_keys import create_key
from segments.editing import create_segment, fill
from segments.models import Segment
from segments.refresh import audit

TYPES = ("page_visit",) * 6 + ("product_visit",) * 2 + ("cart_add", "purchase")
SENT_AGAIN = 0.1  # share of the requests that repeat an earlier one
OLDEST = 90.0  # seconds that an event may be old when it is sent
SECONDS_TO_CATCH_UP = 120
POINTS = 12  # rows of the table of the lag

COUNTED = {"type": "event", "metric": "count", "operator": "at_least"}
MINUTE = {"kind": "last", "count": 1, "unit": "minutes"}
SEGMENTS: dict[str, list[dict[str, Any]]] = {
    "Bought three times": [{"type": "field", "field": "purchases_count", "operator": "at_least", "value": 3}],
    "Seen in the last minute": [
        {"type": "field", "field": "last_seen_at", "operator": "in_last", "value": {"count": 1, "unit": "minutes"}}
    ],
    "Five pages in the last minute": [COUNTED | {"event": "page_visit", "value": 5, "window": MINUTE}],
    "Cart in the last minute, nothing bought ever": [
        COUNTED | {"event": "cart_add", "value": 1, "window": MINUTE},
        COUNTED | {"event": "purchase", "operator": "equals", "value": 0, "window": {"kind": "ever"}},
    ],
    "Spent 200 in the last hour": [
        COUNTED
        | {"event": "purchase", "metric": "sum", "property": "value", "value": 200}
        | {"window": {"kind": "last", "count": 1, "unit": "hours"}}
    ],
}


def main(seconds: str, contacts: str, batch: str, threads: str) -> None:
    secret = _prepare(int(contacts))
    with server() as port:
        load = Load(port, secret, contacts=int(contacts), batch=int(batch))
        lag = Lag()
        senders = [threading.Thread(target=load.send, args=(number,)) for number in range(int(threads))]
        for thread in (*senders, lag):
            thread.start()
        time.sleep(float(seconds))
        load.over.set()
        for thread in senders:
            thread.join()
        ended = time.monotonic()
        caught_up = _wait_until_empty()
        lag.over.set()
        lag.join()
    _tell(load, float(seconds), lag, ended=ended, caught_up=caught_up)
    _count(load)
    connection.close()


def _prepare(contacts: int) -> str:
    """Make the tables, the contacts, the segments and a key, which is returned."""
    call_command("migrate", verbosity=0)
    now = timezone.now()
    Contact.objects.bulk_create(
        [Contact(external_id=f"c{number}", email=f"c{number}@example.com") for number in range(contacts)],
        batch_size=2_000,
    )
    for name, rules in SEGMENTS.items():
        definition = {"version": 1, "match": "all", "rules": rules}
        fill(create_segment(name=name, kind=Segment.Kind.DYNAMIC_PLUS, definition=definition, now=now), now=now)
    _key, secret = create_key(name="Benchmark", scopes=["events:write"], now=now)
    return secret


class Load:
    """What is sent, by several threads, and what the answers were."""

    def __init__(self, port: int, secret: str, *, contacts: int, batch: int) -> None:
        self.port, self.secret, self.contacts, self.batch = port, secret, contacts, batch
        self.over = threading.Event()
        self.confirmed: set[str] = set()
        self.milliseconds: list[float] = []
        self.repeated = 0
        self.failed = 0
        self._sent: list[list[dict[str, Any]]] = []
        self._lock = threading.Lock()

    def send(self, number: int) -> None:
        chance = random.Random(number)
        request = self._connect()
        place = 0
        while not self.over.is_set():
            events = self._repeat(chance)
            if events is None:
                place += 1
                events = self._batch(f"{number}-{place}", chance)
                with self._lock:
                    self._sent.append(events)
            request = self._post(request, events)

    def _connect(self) -> HTTPConnection:
        return HTTPConnection("127.0.0.1", self.port, timeout=60)

    def _repeat(self, chance: random.Random) -> list[dict[str, Any]] | None:
        """One of the latest batches again: its first request may still be under way."""
        with self._lock:
            if not self._sent or chance.random() > SENT_AGAIN:
                return None
            self.repeated += 1
            return chance.choice(self._sent[-10:])

    def _batch(self, name: str, chance: random.Random) -> list[dict[str, Any]]:
        now = timezone.now()
        events = []
        for place in range(self.batch):
            event: dict[str, Any] = {
                "type": chance.choice(TYPES),
                "external_id": f"c{chance.randrange(self.contacts)}",
                "occurred_at": (now - timedelta(seconds=chance.uniform(0, OLDEST))).isoformat(),
                "properties": {"page": f"/products/{chance.randrange(500)}"},
                "key": f"{name}-{place}",
            }
            if event["type"] == "purchase":
                event["value"] = chance.randrange(500, 15_000) / 100
            events.append(event)
        return events

    def _post(self, request: HTTPConnection, events: list[dict[str, Any]]) -> HTTPConnection:
        """Post until it is confirmed, as a program does that must not lose anything."""
        body = json.dumps({"events": events})
        headers = {"Authorization": f"Bearer {self.secret}", "Content-Type": "application/json"}
        while True:
            before = time.perf_counter()
            try:
                request.request("POST", "/api/v1/events/batch", body, headers)
                response = request.getresponse()
                answer = json.loads(response.read())
                if response.status == 200:
                    break
            except (OSError, HTTPException):
                request.close()
                request = self._connect()
            with self._lock:
                self.failed += 1
            time.sleep(0.1)
        self._note(events, answer, 1_000 * (time.perf_counter() - before))
        return request

    def _note(self, events: list[dict[str, Any]], answer: Any, milliseconds: float) -> None:
        with self._lock:
            self.milliseconds.append(milliseconds)
            for event, told in zip(events, answer["results"], strict=True):
                if told["result"] == "refused":
                    raise SystemExit(f"{event} was refused: {told['errors']}")
                self.confirmed.add(event["key"])


class Lag(threading.Thread):
    """Looks every second at how many changes wait to be applied to segments."""

    def __init__(self) -> None:
        super().__init__()
        self.over = threading.Event()
        self.waiting: list[tuple[float, int]] = []

    def run(self) -> None:
        began = time.monotonic()
        while not self.over.wait(1):
            self.waiting.append((time.monotonic() - began, Change.objects.count()))
        connections.close_all()


def _wait_until_empty() -> float | None:
    """When all changes were applied; None when they were not in time."""
    deadline = time.monotonic() + SECONDS_TO_CATCH_UP
    while time.monotonic() < deadline:
        if not Change.objects.exists():
            return time.monotonic()
        time.sleep(0.1)
    return None


def _tell(load: Load, seconds: float, lag: Lag, *, ended: float, caught_up: float | None) -> None:
    times = sorted(load.milliseconds)
    rows = [
        ["requests a second", f"{len(times) / seconds:.1f}"],
        ["events a second", f"{len(load.confirmed) / seconds:,.0f}"],
        ["requests that repeat an earlier one", f"{load.repeated}"],
        ["requests that failed and were sent again", f"{load.failed}"],
        ["a request, median (ms)", f"{median(times):.0f}"],
        ["a request, 95 % (ms)", f"{times[len(times) * 95 // 100]:.0f}"],
        ["changes that wait, most", f"{max(count for _at, count in lag.waiting):,}"],
        [
            "until all were applied after the last request (s)",
            f"{caught_up - ended:.1f}" if caught_up else "not in time",
        ],
    ]
    table(f"Events over HTTP, {connection.vendor}", ["", "figure"], rows)
    step = max(1, len(lag.waiting) // POINTS)
    shown = [[f"{at:.0f}", f"{count:,}"] for at, count in lag.waiting[::step]]
    table("Changes that wait to be applied to segments", ["second", "changes"], shown)


def _count(load: Load) -> None:
    """Stop unless every confirmed event is there once, and memberships are what the definitions say."""
    stored = list(Event.objects.values_list("key", flat=True))
    lost, doubled = load.confirmed - set(stored), len(stored) - len(set(stored))
    purchases = Event.objects.filter(type="purchase").count()
    summed = Contact.objects.aggregate(number=Sum("purchases_count"))["number"]
    runs = audit(now=timezone.now())
    differences = sum(run.differences for run in runs)
    rows = [
        ["events confirmed", f"{len(load.confirmed):,}"],
        ["events stored", f"{len(stored):,}"],
        ["lost", f"{len(lost)}"],
        ["doubled", f"{doubled}"],
        ["purchases, and those counted on contacts", f"{purchases:,} = {summed:,}"],
        ["members of all segments", f"{sum(Segment.objects.values_list('size', flat=True)):,}"],
        ["memberships that differ from a full evaluation", f"{differences}"],
    ]
    table("What became of them", ["", "figure"], rows)
    if lost or doubled or purchases != summed or differences:
        raise SystemExit("Something was lost, doubled or not applied.")
