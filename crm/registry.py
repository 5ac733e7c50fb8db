"""Open families: one short class per member, found by a key that is stored and never changes."""

from collections.abc import Callable, Iterator
from typing import Generic, Protocol, TypeVar


class Keyed(Protocol):
    """Anything with a stable ``key``."""

    @property
    def key(self) -> str: ...


Member = TypeVar("Member", bound=Keyed)


class UnknownKey(LookupError):
    """No member of the family has this key."""

    def __init__(self, family: str, key: object) -> None:
        super().__init__(f"unknown {family}: {key!r}")
        self.family = family
        self.key = key


class Registry(Generic[Member]):
    """The members of one family, in the order of their registration.

    ``family`` names the family in error messages. Looking up an unknown key raises `UnknownKey`;
    registering a key twice raises `ValueError`.
    """

    def __init__(self, family: str) -> None:
        self.family = family
        self._members: dict[str, Member] = {}

    def add(self, member: Member) -> Member:
        """Register a member under its key and return it."""
        if member.key in self._members:
            raise ValueError(f"{self.family} {member.key!r} is registered twice")
        self._members[member.key] = member
        return member

    def register(self, factory: Callable[[], Member]) -> Callable[[], Member]:
        """Class decorator: register one instance of the class."""
        self.add(factory())
        return factory

    def __getitem__(self, key: object) -> Member:
        try:
            return self._members[key]  # type: ignore[index]
        except (KeyError, TypeError):
            raise UnknownKey(self.family, key) from None

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and key in self._members

    def __iter__(self) -> Iterator[Member]:
        return iter(self._members.values())

    def __len__(self) -> int:
        return len(self._members)

    def keys(self) -> list[str]:
        """The keys in the order of registration."""
        return list(self._members)
