"""What workflows do outside of the database: written down with the step that decided it, and done afterwards.

The state of a delivery is written before it is done and after. Who dies in between leaves it ``sending``; once
`HOLDS` is over it is done again, with the same key, by which the other side can tell.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import F, QuerySet
from django.utils.translation import gettext as _

from workflows import notices, webhooks
from workflows.engine.frozen import frozen
from workflows.models import Delivery, Incident
from workflows.outbox import NOTICE, WEBHOOK, wake_worker
from workflows.outside import Refused, TryLater

logger = logging.getLogger(__name__)

SENDERS: dict[str, Callable[..., None]] = {WEBHOOK: webhooks.send, NOTICE: notices.send}
BACKOFF = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 720))
HOLDS = timedelta(minutes=5)
OTHERS_WAIT = timedelta(minutes=1)
AT_WORK = timedelta(seconds=50)  # less than the minute until the next task
MOST_TOLD = 1_000

State = Delivery.State


def deliver_due(*, now: datetime, clock: Callable[[], datetime], limit: int) -> int:
    """Do up to ``limit`` of the deliveries that are due, one after the other; returns how many succeeded.

    ``clock`` tells the moment between them. Any number of workers may do so at the same time.
    """
    done = 0
    for _number in range(limit):
        at = clock()
        if at > now + AT_WORK:
            break
        pk = _claim(now=at)
        if pk is None:
            break
        if delivery := _claimed(pk):
            done += _deliver(delivery, now=at, clock=clock)
    return done


def send_again(delivery_id: int, *, now: datetime) -> bool:
    """Try a failed delivery anew, because somebody decided so. False if it has not failed."""
    failed = Delivery.objects.filter(pk=delivery_id, state=State.FAILED)
    queued = failed.update(state=State.QUEUED, attempts=0, due_at=now, error="")
    transaction.on_commit(wake_worker, robust=True)
    return bool(queued)


def _claim(*, now: datetime) -> int | None:
    """Take hold of the delivery that has been due longest, and write down that it is being done."""
    with transaction.atomic():
        pk = _unheld(Delivery.objects.filter(state__in=[State.QUEUED, State.SENDING], due_at__lte=now)).first()
        if pk is not None:
            held = Delivery.objects.filter(pk=pk)
            held.update(state=State.SENDING, attempts=F("attempts") + 1, due_at=now + HOLDS)
    return pk


def _claimed(pk: int) -> Delivery | None:
    """The delivery; None when it went away with its contact."""
    deliveries = Delivery.objects.select_related("run__contact", "run__workflow").defer("run__workflow__draft")
    return deliveries.filter(pk=pk).first()


def _unheld(deliveries: QuerySet[Delivery]) -> QuerySet[Delivery, int]:
    """The ids of those that no other worker has, held until the transaction ends; the longest due first."""
    if connection.features.has_select_for_update_skip_locked:
        deliveries = deliveries.select_for_update(skip_locked=True, no_key=True)
    return deliveries.order_by("due_at", "pk").values_list("pk", flat=True)


def _deliver(delivery: Delivery, *, now: datetime, clock: Callable[[], datetime]) -> bool:
    try:
        if delivery.attempts > len(BACKOFF) + 1:
            raise Refused(_("Whoever tried it was interrupted, too often."))
        version = frozen([delivery.run.version_id])[delivery.run.version_id]
        SENDERS[delivery.kind](delivery, version.graph.nodes[delivery.node].settings, now=now)
    except TryLater as problem:
        _put_off(delivery, str(problem), problem.after, now=clock())
        if problem.for_all:
            _let_others_wait(delivery, max(OTHERS_WAIT, problem.after or OTHERS_WAIT), now=clock())
        return False
    except Refused as problem:
        _fail(delivery, str(problem), now=clock())
        return False
    except Exception as error:
        logger.exception("delivery %s failed", delivery.pk)
        _put_off(delivery, f"{type(error).__name__}: {error}", None, now=clock())
        return False
    return bool(_held(delivery).update(state=State.SENT, sent_at=clock(), error=""))


def _held(delivery: Delivery) -> QuerySet[Delivery]:
    """The delivery, unless another worker has taken it over because this one took too long."""
    return Delivery.objects.filter(pk=delivery.pk, state=State.SENDING, attempts=delivery.attempts)


def _put_off(delivery: Delivery, text: str, after: timedelta | None, *, now: datetime) -> None:
    if delivery.attempts > len(BACKOFF):
        _fail(delivery, text, now=now)
        return
    due_at = now + max(BACKOFF[delivery.attempts - 1], after or timedelta())
    _held(delivery).update(state=State.QUEUED, due_at=due_at, error=text[:500])


def _fail(delivery: Delivery, text: str, *, now: datetime) -> None:
    with transaction.atomic():
        if _held(delivery).update(state=State.FAILED, error=text[:500]):
            Incident.objects.create(
                run_id=delivery.run_id, node=delivery.node, subject=f"delivery:{delivery.pk}", text=text, at=now
            )


def _let_others_wait(delivery: Delivery, span: timedelta, *, now: datetime) -> None:
    """Put off what else is due from the same node, which goes to the same place, without counting it as an attempt."""
    others = Delivery.objects.filter(
        state=State.QUEUED, due_at__lte=now, node=delivery.node, run__version=delivery.run.version_id
    )
    with transaction.atomic():
        waiting = Delivery.objects.filter(pk__in=others.values("pk"), state=State.QUEUED)
        ids = list(_unheld(waiting)[:MOST_TOLD])
        Delivery.objects.filter(pk__in=ids).update(due_at=now + span)
