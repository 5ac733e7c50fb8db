"""Keeping audiences in step with their segments, on a schedule, and taking out who may no longer be there."""

from __future__ import annotations

import contextlib
from datetime import datetime

from segments.facebook import connection, people, sending
from segments.models import FacebookAudience, FacebookExport

EVERY = 60  # minutes; Facebook itself takes up to a day


def keep_in_step(*, now: datetime) -> int:
    """Start a job for every audience that is not as it should be; returns how many."""
    connection.renew_secrets()
    connected = connection.current()
    if connected is None:
        return 0
    started = 0
    for audience in FacebookAudience.objects.filter(account_id=connected.account_id).select_related("segment"):
        if people.differs(audience):
            # Somebody was quicker: then their job does it.
            with contextlib.suppress(sending.UnderWay):
                sending.start(audience, kind=FacebookExport.Kind.STEP, now=now)
                started += 1
        else:
            FacebookAudience.objects.filter(pk=audience.pk).update(compared_at=now)
    return started


def switch(audience: FacebookAudience, *, on: bool) -> None:
    """Keep the audience in step from now on, or no longer."""
    FacebookAudience.objects.filter(pk=audience.pk).update(in_step=on)


def forget(audience: FacebookAudience) -> None:
    """Fill the audience no longer, and forget who is in it. At Facebook it stays as it is. Raises `UnderWay`."""
    sending.require_idle(audience)
    audience.members.all()._raw_delete(audience.members.db)  # of any number at once
    audience.delete()
