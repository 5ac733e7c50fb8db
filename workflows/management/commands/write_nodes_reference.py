"""Write the page about all nodes of workflows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from workflows.reference import reference

PAGE = Path(settings.BASE_DIR) / "docs" / "nodes.md"


class Command(BaseCommand):
    help = "Writes docs/nodes.md, the reference of all nodes of workflows, from the nodes themselves."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--to", type=Path, default=PAGE, help="the file to write (default: docs/nodes.md)")

    def handle(self, *args: Any, to: Path, **options: Any) -> None:
        to.write_text(reference(), encoding="utf-8")
        self.stdout.write(f"Wrote {to}")
