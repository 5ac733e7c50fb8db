"""Parts of the benchmark of workflows: ``engine``, ``by_hand`` and ``naive``, each over a database of its own."""

from __future__ import annotations

import json
import resource
import smtplib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.management import call_command
from django.db import connection, transaction

from benchmarks.meter import measured, use_one_process
from contacts.models import Contact
from segments.editing import create_segment
from segments.models import Cause, Membership, Segment, Transition

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
BODY = """Hello {{ contact.first_name | default: 'there' }},

we have something for you in {{ contact.city }}.

[See what is new](https://shop.example/new?customer={{ contact.external_id }})
"""
SINK = """
import asyncio
from aiosmtpd.smtp import SMTP

class Nothing:
    async def handle_DATA(self, server, session, envelope):
        return "250 OK"

async def main():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(Nothing(), hostname="sink"), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()

asyncio.run(main())
"""


def main(part: str, file: str, contacts: str) -> None:
    """Run a part and add what it cost to the figures."""
    call_command("migrate", verbosity=0)
    use_one_process()
    number = int(contacts)
    segments = prepare(number)
    with mail_sink():
        before = peak()
        with measured() as cost:
            words = {"engine": engine, "by_hand": by_hand, "naive": naive}[part](segments)
    path = Path(file)
    figures = json.loads(path.read_text())
    figures[part] = {
        "contacts": number,
        "seconds": cost.cpu / 1_000,
        "peak": peak(),
        "words": f"{words}; {before:,.0f} MB before",
    }
    path.write_text(json.dumps(figures))


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@contextmanager
def mail_sink() -> Iterator[None]:
    """A mail server in a process of its own that throws everything away."""
    with subprocess.Popen([sys.executable, "-c", SINK], stdout=subprocess.PIPE, text=True) as sink:
        assert sink.stdout
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", int(sink.stdout.readline())
        yield
        sink.terminate()


def prepare(number: int) -> dict[str, Segment]:
    """Contacts, two segments to ask for, and an empty one."""
    for start in range(0, number, 10_000):
        Contact.objects.bulk_create(
            Contact(
                external_id=f"C{place}",
                email=f"person{place}@example.com",
                first_name=f"Name{place % 500}",
                city=f"City {place % 300}",
                newsletter="subscribed",
                created_at=NOW - DAY,
                updated_at=NOW - DAY,
            )
            for place in range(start, min(start + 10_000, number))
        )
    segments = {name: create_segment(name=name, kind="static", now=NOW - DAY) for name in ("A", "B", "C")}
    for name, divisor in (("A", 2), ("B", 3)):
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO segments_membership (segment_id, contact_id, entered_at, cause)"
                " SELECT %s, id, %s, 'hand' FROM contacts_contact WHERE id %% %s = 0",
                [segments[name].pk, NOW - DAY, divisor],
            )
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM contacts_change")
        cursor.execute("ANALYZE")
    return segments


def graph(segments: dict[str, Segment]) -> dict[str, Any]:
    """Ten nodes behind Start."""
    a, b, c = (segments[name].pk for name in ("A", "B", "C"))
    email = {"name": "News", "kind": "newsletter", "subject": "News for {{ contact.first_name }}", "body": BODY}
    email |= {"preheader": "", "sender_name": "", "reply_to": ""}
    nodes = {
        "asks_a": ("is_in_segment", {"segment": a}),
        "points": ("add_points", {"points": 5}),
        "day": ("wait", {"until": "span", "count": 1, "unit": "days"}),
        "asks_b": ("is_in_segment", {"segment": b}),
        "add": ("add_to_segment", {"segment": c}),
        "mail": ("send_email", email),
        "two_days": ("wait", {"until": "span", "count": 2, "unit": "days"}),
        "asks_c": ("is_in_segment", {"segment": c}),
        "remove": ("remove_from_segment", {"segment": c}),
        "end": ("end", {}),
    }
    edges = [
        ("start", "next", "asks_a"),
        ("asks_a", "yes", "points"),
        ("asks_a", "no", "day"),
        ("points", "next", "day"),
        ("day", "next", "asks_b"),
        ("asks_b", "yes", "mail"),
        ("asks_b", "no", "add"),
        ("add", "next", "mail"),
        ("mail", "next", "two_days"),
        ("two_days", "next", "asks_c"),
        ("asks_c", "yes", "remove"),
        ("asks_c", "no", "end"),
        ("remove", "next", "end"),
    ]
    stored = [{"id": "start", "type": "start", "x": 0, "y": 0, "settings": {"which": "existing"}}]
    stored += [{"id": key, "type": kind, "x": 0, "y": 0, "settings": values} for key, (kind, values) in nodes.items()]
    return {"nodes": stored, "edges": [{"from": start, "port": port, "to": end} for start, port, end in edges]}


def engine(segments: dict[str, Segment]) -> str:
    """The workflow, hour by hour until everybody is through."""
    from campaigns.models import Message
    from campaigns.sending import send_due
    from workflows import engine
    from workflows.activation import activate
    from workflows.models import Run, Workflow

    workflow = Workflow.objects.create(name="Ten nodes", draft=graph(segments), created_at=NOW, updated_at=NOW)
    activate(workflow, now=NOW, user=None)
    spent = {"working": 0.0, "sending": 0.0}
    for days in range(5):
        now = NOW + days * DAY
        begun = time.perf_counter()
        while engine.tick(now=now):
            pass
        spent["working"] += time.perf_counter() - begun
        begun = time.perf_counter()
        while send_due(now=now, clock=lambda moment=now: moment, limit=10_000):  # type: ignore[misc]
            pass
        spent["sending"] += time.perf_counter() - begun
    finished = Run.objects.filter(state=Run.State.FINISHED).count()
    sent = Message.objects.filter(state=Message.State.SENT).count()
    assert finished == sent == Contact.objects.count(), (finished, sent)
    return ", ".join(f"{name} {seconds:.0f} s" for name, seconds in spent.items())


def by_hand(segments: dict[str, Segment]) -> str:
    """The same effects: points, memberships with their ledger, and a mail for everybody."""
    a, b, c = (segments[name].pk for name in ("A", "B", "C"))
    members = "SELECT contact_id FROM segments_membership WHERE segment_id = %s"
    entering = f"SELECT id FROM contacts_contact WHERE NOT EXISTS ({members} AND contact_id = contacts_contact.id)"
    begun = time.perf_counter()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE contacts_contact SET points = points + 5, updated_at = %s WHERE id IN ({members})", [NOW, a]
        )
        ledger = "INSERT INTO segments_transition (segment_id, contact_id, kind, at, cause, detail)"
        cursor.execute(f"{ledger} SELECT %s, id, 'entered', %s, 'workflow', '' FROM ({entering}) e", [c, NOW, b])
        cursor.execute(
            "INSERT INTO segments_membership (segment_id, contact_id, entered_at, cause)"
            f" SELECT %s, id, %s, 'workflow' FROM ({entering}) e",
            [c, NOW, b],
        )
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"{ledger} SELECT %s, contact_id, 'left', %s, 'workflow', '' FROM ({members}) m", [c, NOW, c])
        cursor.execute("DELETE FROM segments_membership WHERE segment_id = %s", [c])
    written = time.perf_counter() - begun
    begun = time.perf_counter()
    with smtplib.SMTP(settings.EMAIL_HOST, settings.EMAIL_PORT) as server:
        rows = Contact.objects.values_list("email", "first_name", "city", "external_id")
        for email, first_name, city, external_id in rows.iterator(chunk_size=2_000):
            message = EmailMessage()
            message["From"], message["To"], message["Subject"] = "news@example.com", email, f"News for {first_name}"
            link = f"https://shop.example/new?customer={external_id}"
            message.set_content(f"Hello {first_name},\n\nwe have something for you in {city}.\n\n{link}\n")
            message.add_alternative(
                f"<p>Hello {first_name},</p><p>we have something for you in {city}.</p>"
                f'<p><a href="{link}">See what is new</a></p>',
                subtype="html",
            )
            server.send_message(message)
    return f"working {written:.0f} s, sending {time.perf_counter() - begun:.0f} s"


def naive(segments: dict[str, Segment]) -> str:
    """One contact after the other, one node after the other, each kept as a row, as many engines do it."""
    from workflows.models import Run, Step, Version, Workflow

    workflow = Workflow.objects.create(name="Naive", draft=graph(segments), created_at=NOW, updated_at=NOW)
    version = Version.objects.create(workflow=workflow, number=1, graph=graph(segments), saved_at=NOW)
    after = {(edge["from"], edge["port"]): edge["to"] for edge in version.graph["edges"]}
    nodes = {node["id"]: node for node in version.graph["nodes"]}
    mail = get_connection()
    mail.open()
    for contact in Contact.objects.iterator(chunk_size=500):
        run = Run.objects.create(
            workflow=workflow,
            version=version,
            contact=contact,
            key="once",
            node="start",
            arrived_at=NOW,
            started_at=NOW,
        )
        node_id: str | None = "start"
        while node_id:
            run.node = node_id
            run.save()
            port = visit(nodes[node_id], contact, mail)
            Step.objects.create(
                run=run, visit=run.visit, node=node_id, arrived_at=run.arrived_at, left_at=NOW, port=port
            )
            run.visit += 1
            node_id = after.get((node_id, port))
        run.state, run.ended_at = Run.State.FINISHED, NOW
        run.save()
    mail.close()
    return ""


def visit(node: dict[str, Any], contact: Contact, mail: Any) -> str:
    """What the naive engine does at a node; returns the port."""
    kind, values = node["type"], node["settings"]
    one = {"segment_id": values.get("segment"), "contact": contact}
    actions: dict[str, Callable[[], Any]] = {
        "add_points": lambda: add_points(contact, values["points"]),
        "add_to_segment": lambda: move(one, "entered"),
        "remove_from_segment": lambda: move(one, "left"),
        "send_email": lambda: send(contact, mail),
    }
    if kind == "is_in_segment":
        return "yes" if Membership.objects.filter(**one).exists() else "no"
    if kind in actions:
        with transaction.atomic():
            actions[kind]()
    return "next"


def add_points(contact: Contact, points: int) -> None:
    contact.refresh_from_db()
    contact.points += points
    contact.save()


def move(one: dict[str, Any], kind: str) -> None:
    if kind == "entered":
        Membership.objects.create(**one, entered_at=NOW, cause=Cause.WORKFLOW)
    else:
        Membership.objects.filter(**one).delete()
    Transition.objects.create(**one, kind=kind, at=NOW, cause=Cause.WORKFLOW)


def send(contact: Contact, mail: Any) -> None:
    from django.template import engines

    text = engines["django"].from_string(BODY.replace(": '", ":'")).render({"contact": contact})
    message = EmailMultiAlternatives(
        f"News for {contact.first_name}", text, "news@example.com", [contact.email], connection=mail
    )
    message.attach_alternative(f"<p>{text}</p>", "text/html")
    message.send()
