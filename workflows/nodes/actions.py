"""What all actions have in common: limits, and one way out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager

from contacts import changes
from workflows.nodes.actions_limits import LimitedForm, held_back
from workflows.nodes.base import Batch, Next, Node, NodeGroup, Outcome


class Action(Node):
    """A node that does something for its contacts. Those that a limit holds back go on without it."""

    group = NodeGroup.ACTION
    form = LimitedForm
    template = "workflows/nodes/action.html"

    def work(self, batch: Batch) -> Iterable[Outcome]:
        held = held_back(batch)
        if held:
            yield Next(list(held), detail=held)
            batch = batch.only(set(batch.run_ids) - held.keys())
        if batch.visits:
            yield from self.act(batch)

    def act(self, batch: Batch) -> Iterable[Outcome]:
        """Do it for the runs of a batch. Raises `CannotWork`."""
        raise NotImplementedError


def done(batch: Batch, detail: str | Mapping[int, str]) -> Next:
    """The action was carried out for the whole batch."""
    return Next(batch.run_ids, detail=detail, acted=True)


def passed_over(run_ids: Collection[int], detail: str | Mapping[int, str]) -> Next:
    """These runs go on, and the action was not carried out for them."""
    return Next(run_ids, detail=detail)


@contextmanager
def changing(batch: Batch) -> Iterator[None]:
    """Contacts are changed inside. The segments that follow from it are right when they get to the next node, however
    many they are: in the same transaction, so that no other worker takes the contacts on before."""
    yield
    changes.catch_up(now=batch.now)
