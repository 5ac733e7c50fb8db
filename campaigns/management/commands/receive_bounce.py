import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.utils import timezone

from campaigns.bounces import LARGEST_REPORT, receive

TRY_AGAIN = 75  # what mail servers take for "keep it and try again"


class Command(BaseCommand):
    help = (
        "Take in an email that came to the address for bounces (setting BOUNCE_ADDRESS), from standard input: for a "
        "pipe of the mail server. A report that an email could not be delivered, or that it was marked as spam, "
        "changes the email status of its contact; anything else changes nothing. Ends with status 0 in both cases, "
        "and with 75 when the database does not answer, so that the mail server tries again."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        raw = sys.stdin.buffer.read(LARGEST_REPORT)
        try:
            report = receive(raw, now=timezone.now())
        except DatabaseError as error:
            raise CommandError(f"The database does not answer: {error}", returncode=TRY_AGAIN) from error
        if report is None:
            self.stdout.write("No report about an email of Muster.")
        else:
            self.stdout.write(f"Message {report.message_id}: {report.kind}.")
