"""What became of the rows of an import."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass
class Counts:
    """How many rows created a contact or event, updated a contact, found it as the file says, or left it as it was.

    Further rows about a contact that a row before was about are ``joined``. ``refused`` ones are not imported.
    """

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    left: int = 0
    joined: int = 0
    refused: int = 0

    @property
    def rows(self) -> int:
        return sum(asdict(self).values())

    def as_json(self) -> dict[str, int]:
        return {"rows": self.rows, **asdict(self)}

    def __add__(self, other: Counts) -> Counts:
        ours, theirs = asdict(self), asdict(other)
        return Counts(**{name: ours[name] + theirs[name] for name in ours})
