"""Periodic tasks, which the worker starts by itself."""

from dataclasses import dataclass
from datetime import datetime

from django_q.models import Schedule

from crm.registry import Registry


@dataclass(frozen=True)
class Periodic:
    """A task that runs every ``minutes`` or at a ``cron`` time. ``function`` is a dotted path without arguments."""

    key: str
    function: str
    minutes: int | None = None
    cron: str | None = None


PERIODIC: Registry[Periodic] = Registry("periodic task")


def ensure_schedules() -> None:
    """Make the schedules of all periodic tasks equal to what is registered; running it again changes nothing."""
    for task in PERIODIC:
        timing = (
            {"schedule_type": Schedule.CRON, "cron": task.cron, "minutes": None}
            if task.cron
            else {"schedule_type": Schedule.MINUTES, "minutes": task.minutes, "cron": None}
        )
        Schedule.objects.update_or_create(name=task.key, defaults={"func": task.function, "repeats": -1, **timing})


def next_runs(*keys: str) -> dict[str, datetime]:
    """When the periodic tasks of these keys run next; without those that have no schedule."""
    schedules = Schedule.objects.filter(name__in=keys, next_run__isnull=False)
    return dict(schedules.values_list("name", "next_run"))
