"""Making memberships equal to what the definitions say now: in full, by change, by time; and the audit."""

from segments.refresh.audit import audit
from segments.refresh.by_change import apply_changes, at_commit
from segments.refresh.by_time import apply_time
from segments.refresh.full import REFRESH_JOB, refresh_due, refresh_segment, settle

__all__ = [
    "REFRESH_JOB",
    "apply_changes",
    "apply_time",
    "at_commit",
    "audit",
    "refresh_due",
    "refresh_segment",
    "settle",
]
