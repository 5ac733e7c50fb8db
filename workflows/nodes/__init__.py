"""All kinds of nodes: importing this package registers them."""

from workflows.nodes import start as start
from workflows.nodes.base import NODES

__all__ = ["NODES"]
