"""Several workers deliver at the same time."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from crm.encryption import encrypt
from tests.workflows.acting import together
from tests.workflows.flows import active, graph, people
from tests.workflows.http_server import shop
from workflows import engine
from workflows.deliveries import deliver_due
from workflows.models import Delivery

pytestmark = pytest.mark.django_db(transaction=True)


def test_each_webhook_goes_out_once(now: datetime, settings: Any) -> None:
    settings.WEBHOOK_ALLOW_PRIVATE = True
    people(12, now=now)
    with shop() as server:
        hook = {"url": server.url, "secret": encrypt("a secret of sixteen")}
        active("Hooks", graph({"n1": ("webhook", hook)}, "start > n1"), now=now)
        engine.tick(now=now)
        server.seconds = 0.02
        done: list[int] = []
        together([lambda: done.append(deliver_due(now=now, clock=lambda: now, limit=12))] * 3)
        assert sum(done) == len(server.keys) == len(set(server.keys)) == 12
    assert set(Delivery.objects.values_list("state", "attempts")) == {("sent", 1)}
    assert deliver_due(now=now + timedelta(days=1), clock=lambda: now, limit=12) == 0
