"""The engine: contacts enter workflows, go from node to node as sets, wait, and leave.

Everything happens in transactions of the database and nothing outside of it, so that a crash at any point undoes a
whole step or none: no run is lost, and none goes a step twice. What has an effect outside is written into an outbox in
the same transaction (`campaigns.outbox`, `workflows.models.Delivery`).
"""

from workflows.engine.cycle import keep_working, react, tick
from workflows.engine.starting import Start, begin
from workflows.engine.taking_in import take_in
from workflows.engine.working import work_due

__all__ = ["Start", "begin", "keep_working", "react", "take_in", "tick", "work_due"]
