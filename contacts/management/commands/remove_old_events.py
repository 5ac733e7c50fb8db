from argparse import ArgumentParser, ArgumentTypeError
from datetime import date, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from contacts.management.import_command import WRONG_USE, ProgressBar
from contacts.retention import (
    ALWAYS_KEPT,
    EARLIEST,
    LEDGERS,
    affected_by,
    events_before,
    remove_events,
    start_of,
)


class Command(BaseCommand):
    help = (
        "Remove the events from before a day of the account's time zone, after naming what reads them. What contacts "
        "carry of their events stays: first and last seen and the summary of purchases. Interrupted, it goes on where "
        "it stopped when it is started again. Ends with status 0 when nothing that old is left, 1 when the question "
        "was not answered with yes, and 2 when the day cannot be used."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--before", type=_day, required=True, metavar="YYYY-MM-DD", help="the first day to keep")
        parser.add_argument(
            "--ledger", action="store_true", help="also remove who entered and left segments before that day"
        )
        parser.add_argument("--yes", action="store_true", help="do not ask, for a scheduled task")

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        before = start_of(options["before"])
        if before > now - ALWAYS_KEPT:
            raise CommandError("The events of the last four weeks always stay.", returncode=WRONG_USE)
        ledgers = list(LEDGERS) if options["ledger"] else []
        counts = events_before(before)
        entries = sum(ledger.count(before) for ledger in ledgers)
        self._say_what_goes(counts, entries if options["ledger"] else None, options["before"])
        if not counts and not entries:
            return
        self._say_who_notices(counts, before, now=now)
        if not options["yes"] and not _agrees():
            raise CommandError("Nothing was removed.", returncode=1)
        bar = ProgressBar(self.stderr, sum(counts.values()) + entries)
        try:
            removed = remove_events(before, now=now, report=lambda done, total, message: bar.show(done, done))
            compacted = sum(
                ledger.compact(before, now=now, report=lambda done, total, message: bar.show(removed + done, done))
                for ledger in ledgers
            )
        finally:
            bar.clear()
        self.stdout.write(
            f"Removed {removed:,} events{f' and {compacted:,} entries of the ledger' if ledgers else ''}."
        )

    def _say_what_goes(self, counts: dict[str, int], entries: int | None, day: date) -> None:
        self.stdout.write(f"Events from before {day}: {sum(counts.values()):,}")
        for event_type, number in counts.items():
            self.stdout.write(f"  {event_type}: {number:,}")
        if entries is not None:
            self.stdout.write(f"Entries of the ledger from before {day}: {entries:,}")

    def _say_who_notices(self, counts: dict[str, int], before: datetime, *, now: datetime) -> None:
        found = affected_by(before, types=counts, now=now)
        if not found:
            self.stdout.write("Nothing reads events that old.")
        for reader, affected in found:
            self.stdout.write(f"{reader.label} that read them, and are brought up to date:")
            for one in affected:
                self.stdout.write(f"  {one.name}: {'; '.join(one.reasons)}")


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"“{text}” is not a day such as 2024-12-31.") from error
    if day < EARLIEST:
        raise ArgumentTypeError(f"the earliest day is {EARLIEST}.")
    return day


def _agrees() -> bool:
    """Whether somebody says yes; without anybody to ask, nobody does."""
    try:
        return input("Remove them for good? Type yes: ").strip().lower() == "yes"
    except EOFError:
        return False
