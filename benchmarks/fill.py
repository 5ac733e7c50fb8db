"""Part of a benchmark: make the scratch data."""

from benchmarks.people import prepare


def main(contacts: str) -> None:
    prepare(int(contacts))
