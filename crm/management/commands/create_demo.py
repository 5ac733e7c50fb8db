from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone
from django.utils.crypto import get_random_string

from crm.demo.shop import USERS, is_unused, make_shop

PASSWORD_LENGTH = 14


class Command(BaseCommand):
    help = (
        "Make a demo shop with contacts, a year of events, segments, workflows and a demo login, whose password is "
        "printed once. Where there is any user, contact or segment already, nothing is made and nothing is said."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--contacts", type=int, default=2_000, help="how many contacts to make (2000)")

    def handle(self, *args: Any, **options: Any) -> None:
        if not is_unused():
            return
        self.stdout.write("Making the demo shop …")
        self.stdout.flush()
        password = get_random_string(PASSWORD_LENGTH)
        made = make_shop(contacts=options["contacts"], password=password, now=timezone.now())
        names = ", ".join(f"{name} ({role})" if name != role else name for name, role in USERS.items())
        self.stdout.write(
            f"It has {made.contacts:,} contacts and {made.events:,} events. Sign in as one of: {names}.\n\n"
            f"    Password: {password}\n\n"
            "It is shown only now. To set another: manage.py changepassword demo"
        )
