"""A worker that is killed while it sends: no email goes out twice, and at most one is in doubt."""

import multiprocessing
import os
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from multiprocessing.process import BaseProcess
from random import Random

import pytest
from django.db import connections

from campaigns.claiming import HANDING_OVER_TAKES_AT_MOST
from campaigns.models import Content, Message
from campaigns.sending import send_due
from contacts.models import Contact, Event
from tests.campaigns.mail_server import MailServer
from tests.campaigns.sending import queue_for, send, states

pytestmark = pytest.mark.django_db(transaction=True)
Subscriber = Callable[..., Contact]
Contents = Callable[..., Content]
FORK = multiprocessing.get_context("fork")
PATIENCE = 30
LATER = HANDING_OVER_TAKES_AT_MOST + timedelta(minutes=1)
KILLS = 6
PEOPLE = 40


def start_worker(now: datetime) -> BaseProcess:
    """A process that sends. It is forked, which takes no time; no connection may be open then."""
    connections.close_all()
    process = FORK.Process(target=_work, args=(now,))
    process.start()
    return process


def _work(now: datetime) -> None:
    sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    send_due(now=now, clock=lambda: now, limit=1_000)
    connections.close_all()
    os._exit(0)


def kill(process: BaseProcess) -> None:
    process.kill()
    process.join(PATIENCE)


def test_what_the_mail_server_had_taken_is_in_doubt_and_all_others_are_sent_once(
    django_db_serialized_rollback: None,
    now: datetime,
    server: MailServer,
    subscriber: Subscriber,
    content: Contents,
) -> None:
    people = [subscriber(f"{number}@example.com") for number in range(5)]
    queue_for(content(), *people, now=now)
    server.stall = "2@example.com"
    worker = start_worker(now)
    assert server.stalled.wait(PATIENCE)
    kill(worker)
    assert [states()[f"{number}@example.com"][0] for number in range(5)] == ["sent", "sent", "sending", *["queued"] * 2]

    server.stall = ""
    assert send(now) == 0
    assert send(now + LATER) == 2
    assert [states()[f"{number}@example.com"][0] for number in range(5)] == ["sent", "sent", "in_doubt", "sent", "sent"]
    assert server.to() == [f"{number}@example.com" for number in range(5)]
    assert Event.objects.filter(type="email_delivered").count() == 4


def test_wherever_workers_are_killed_nobody_gets_an_email_twice(
    django_db_serialized_rollback: None,
    now: datetime,
    server: MailServer,
    subscriber: Subscriber,
    content: Contents,
) -> None:
    random = Random(7)
    queue_for(content(), *[subscriber(f"{number}@example.com") for number in range(PEOPLE)], now=now)
    server.pause = 0.005
    hits = 0
    for _kill in range(KILLS):
        worker = start_worker(now)
        worker.join(random.uniform(0.02, 0.15))
        kill(worker)
        hits += worker.exitcode != 0
        now += LATER
    while send(now):
        now += LATER

    assert hits >= KILLS // 2, "how many it hits depends on what else the machine does"
    assert len(server.to()) == len(set(server.to()))
    doubtful = Message.objects.in_doubt()
    assert doubtful.count() <= KILLS
    assert {message.to for message in Message.objects.filter(state="sent")} <= set(server.to())
    assert Message.objects.filter(state="sent").count() + doubtful.count() == PEOPLE
    assert Event.objects.filter(type="email_delivered").count() == Message.objects.filter(state="sent").count()
