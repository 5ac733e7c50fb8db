"""Start everything that Muster needs: the pages and the background work."""

import signal
import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from crm.jobs import ensure_schedules
from crm.processes import ProcessGroup

MANAGE = Path(settings.BASE_DIR) / "manage.py"
SECONDS_TO_STOP = 30
SECONDS_BETWEEN_LOOKS = 0.2


class Command(BaseCommand):
    help = (
        "Bring the database up to date, make the schedules, then run the web server and the worker together. "
        "Ctrl-C ends both. If one of them dies, the other is ended and the command fails."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--bind", default="127.0.0.1:8000", help="address:port to listen on (127.0.0.1:8000)")
        parser.add_argument("--workers", type=int, default=2, help="number of web server processes (2)")

    def handle(self, *args: Any, **options: Any) -> None:
        self._prepare(options["verbosity"])
        stop_requests = StopRequests()
        groups = [
            ProcessGroup("web server", _web_server(options["bind"], options["workers"])),
            ProcessGroup("worker", [sys.executable, str(MANAGE), "qcluster"]),
        ]
        self.stdout.write(f"Muster runs at http://{options['bind']}/ (Ctrl-C ends it).")
        self.stdout.flush()
        try:
            dead = _wait(groups, stop_requests)
        finally:
            _stop(groups, stop_requests)
        if dead:
            raise CommandError(f"The {dead.name} ended by itself ({dead.how_it_ended()}), so Muster has stopped.")
        self.stdout.write("Muster has stopped.")

    def _prepare(self, verbosity: int) -> None:
        call_command("migrate", interactive=False, verbosity=max(0, verbosity - 1))
        if settings.PRODUCTION:
            call_command("collectstatic", interactive=False, verbosity=0)
        ensure_schedules()


class StopRequests:
    """Counts the signals that ask us to stop: the first asks, a second one insists."""

    def __init__(self) -> None:
        self.count = 0
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._note)

    def _note(self, number: int, frame: object) -> None:
        self.count += 1


def _web_server(bind: str, workers: int) -> list[str]:
    return [
        *(sys.executable, "-m", "gunicorn", "--config", "python:crm.web_server"),
        *("--chdir", str(settings.BASE_DIR), "--bind", bind, "--workers", str(workers)),
    ]


def _wait(groups: list[ProcessGroup], stop_requests: StopRequests) -> ProcessGroup | None:
    """Wait until somebody asks us to stop (None) or one of the groups dies (that one)."""
    while not stop_requests.count:
        for group in groups:
            if not group.leader_runs():
                return group
        time.sleep(SECONDS_BETWEEN_LOOKS)
    return None


def _stop(groups: list[ProcessGroup], stop_requests: StopRequests) -> None:
    """Let everybody finish what they do, but not for long, and leave nobody behind."""
    for group in groups:
        group.ask_to_stop()
    deadline = time.monotonic() + SECONDS_TO_STOP
    while any(group.leader_runs() for group in groups):
        if time.monotonic() > deadline or stop_requests.count > 1:
            break
        time.sleep(SECONDS_BETWEEN_LOOKS)
    for group in groups:
        group.kill()
