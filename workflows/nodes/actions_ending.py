"""Where a contact's way ends."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.utils.translation import gettext_lazy

from workflows.nodes.base import NODES, Batch, Node, NodeGroup, Outcome, Port, Settings, Stop


@NODES.register
class End(Node):
    key = "end"
    label = gettext_lazy("End")
    help = gettext_lazy("The contact's way through the workflow ends here.")
    group = NodeGroup.ACTION
    icon = "circle-stop"

    def ports(self, settings: Settings) -> Sequence[Port]:
        return ()

    def work(self, batch: Batch) -> Iterable[Outcome]:
        yield Stop(batch.run_ids, state="finished")
