"""What is wrong with a definition, and where."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

Path = tuple[str | int, ...]


def json_path(path: Path) -> str:
    """A path as programs write it: ``$.rules[0].value``."""
    return "$" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong: ``path`` leads to the place in the definition."""

    path: Path
    message: str

    def __str__(self) -> str:
        return f"{json_path(self.path)}: {self.message}"


class EntryError(ValueError):
    """An entry of a rule does not have its shape; ``place`` leads to it inside the rule."""

    def __init__(self, message: str, *place: str | int) -> None:
        super().__init__(message)
        self.place = place


class DefinitionError(ValueError):
    """A definition that cannot be used, with every fault that was found. It never matches anybody.

    As a text it says what is wrong, for people; programs read the paths of the ``faults``.
    """

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = list(faults)
        super().__init__(" ".join(fault.message for fault in self.faults))
