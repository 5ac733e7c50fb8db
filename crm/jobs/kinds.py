"""What kinds of jobs there are."""

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.functional import Promise

from crm.models import Job
from crm.registry import Registry, UnknownKey


@dataclass(frozen=True)
class Kind:
    """What a job of this kind does: ``function(job, now=…)``.

    ``label`` names the kind. A ``cancellable`` one can be stopped wherever its function tells its progress; what is
    done until then stays. A ``retryable`` one may be begun again after it failed or was cancelled. ``url(job)`` is
    where people see what the job is about.
    """

    key: str
    function: Callable[..., None]
    label: str | Promise
    cancellable: bool = False
    retryable: bool = True
    url: Callable[[Job], str] | None = None


KINDS: Registry[Kind] = Registry("kind of job")


def kind_of(job: Job) -> Kind | None:
    """The kind of a job; None for one that this version of Muster no longer knows."""
    try:
        return KINDS[job.kind]
    except UnknownKey:
        return None
