"""All kinds of nodes: importing this package registers them."""

from workflows.nodes import actions_email as actions_email
from workflows.nodes import actions_ending as actions_ending
from workflows.nodes import actions_fields as actions_fields
from workflows.nodes import actions_lists as actions_lists
from workflows.nodes import actions_outside as actions_outside
from workflows.nodes import actions_points as actions_points
from workflows.nodes import actions_segments as actions_segments
from workflows.nodes import actions_web as actions_web
from workflows.nodes import actions_workflows as actions_workflows
from workflows.nodes import conditions as conditions
from workflows.nodes import conditions_email as conditions_email
from workflows.nodes import schedule as schedule
from workflows.nodes import splitting as splitting
from workflows.nodes import splitting_by_value as splitting_by_value
from workflows.nodes import start as start
from workflows.nodes import timing as timing
from workflows.nodes import triggers as triggers
from workflows.nodes.base import NODES

__all__ = ["NODES"]
