"""Background work: jobs that somebody started, and periodic tasks that start themselves.

An app registers what it can do (`KINDS`, `PERIODIC`) when it is loaded. The worker (django-q2) runs `run_job` and the
periodic functions. A job's function tells its `progress` between batches. It may take hours, and must go on where it
was, or do nothing twice, when it is called again: after a crash another worker does the job.
"""

from crm.jobs.asking import NotPossible, cancel, may_be_changed_by, retry, start
from crm.jobs.keeping import remove_old, sweep
from crm.jobs.kinds import KINDS, Kind, kind_of
from crm.jobs.running import Cancelled, Interrupted, Lost, Unfinished, finish, hold, log, progress, run_job
from crm.jobs.schedules import PERIODIC, Periodic, ensure_schedules, next_runs

__all__ = [
    "KINDS",
    "PERIODIC",
    "Cancelled",
    "Interrupted",
    "Kind",
    "Lost",
    "NotPossible",
    "Periodic",
    "Unfinished",
    "cancel",
    "ensure_schedules",
    "finish",
    "hold",
    "kind_of",
    "log",
    "may_be_changed_by",
    "next_runs",
    "progress",
    "remove_old",
    "retry",
    "run_job",
    "start",
    "sweep",
]
