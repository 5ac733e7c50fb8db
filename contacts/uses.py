"""Where a contact list is used: in segments, and in what comes later. Whoever uses lists registers here."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.utils.functional import Promise

from crm.registry import Registry


@dataclass(frozen=True)
class Use:
    """One place that uses a list: what it is called and where it is found."""

    name: str
    url: str


@dataclass(frozen=True)
class UseSource:
    """A kind of place, such as segments: ``function(list_id)`` finds the uses of a list."""

    key: str
    label: str | Promise
    function: Callable[[int], Sequence[Use]]


LIST_USES: Registry[UseSource] = Registry("use of lists")


def uses_of_list(list_id: int) -> list[tuple[UseSource, Sequence[Use]]]:
    """The uses of the list by kind of place, without the kinds that do not use it."""
    found = [(source, source.function(list_id)) for source in LIST_USES]
    return [(source, uses) for source, uses in found if uses]
