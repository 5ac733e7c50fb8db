"""What the commands that import a file have in common: options, progress, the refused rows, the exit status."""

from argparse import ArgumentParser
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from django.core.management.base import BaseCommand, CommandError, OutputWrapper
from django.db import reset_queries
from django.utils import timezone

from contacts.imports.mapping import ColumnMapping, MappingError, Targets, map_columns
from contacts.imports.refused import Refuse, RefusedRows
from contacts.imports.sources import Table, UnreadableFile, detect, mismatch, open_table

SOME_REFUSED = 1
WRONG_USE = 2
BAR_WIDTH = 30


class Imported(Protocol):
    @property
    def rows(self) -> int: ...

    @property
    def refused(self) -> int: ...


class WrongUse(CommandError):
    """The command cannot begin: a file, a column or a field does not exist."""

    def __init__(self, message: str) -> None:
        super().__init__(message, returncode=WRONG_USE)


class ImportCommand(BaseCommand):
    """Base of the import commands. The exit status is 0 when all rows are in, 1 when some were refused and stand in the
    file of errors, and 2 when nothing was begun.
    """

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE", help="CSV, TSV, XLSX or JSON lines")
        parser.add_argument(
            "--map",
            nargs="+",
            action="extend",
            default=[],
            metavar="COLUMN=FIELD",
            help="the field that a column goes to; COLUMN= leaves the column out. A column that is not named here goes "
            "to the field of its own name, if there is one",
        )
        parser.add_argument(
            "--errors", type=Path, metavar="FILE", help="where refused rows go, with reasons (NAME.errors.csv)"
        )

    def targets(self) -> Targets:
        """What columns can be mapped to."""
        raise NotImplementedError

    def import_table(
        self,
        table: Table,
        mapping: ColumnMapping,
        *,
        now: datetime,
        refuse: Refuse,
        progress: Callable[[Any], None],
        options: dict[str, Any],
    ) -> Imported:
        """Do it. Raises `MappingError` before anything is written."""
        raise NotImplementedError

    def describe(self, done: Any) -> str:
        """What has been done, in a sentence."""
        raise NotImplementedError

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        errors: Path = options["errors"] or Path(f"{path.stem}.errors.csv")
        if errors.exists() and path.exists() and errors.samefile(path):
            raise WrongUse("The refused rows cannot go into the file that is imported.")
        with ExitStack() as stack:
            try:
                file = stack.enter_context(path.open("rb"))
                source = detect(file, path.name)
                table = open_table(file, source)
                mapping = map_columns(table.columns, _pairs(options["map"]), self.targets())
                refused = stack.enter_context(RefusedRows(errors, table.columns))
            except OSError as error:
                raise WrongUse(f"{error.filename}: {error.strerror}.") from error
            except (UnreadableFile, MappingError) as error:
                raise WrongUse(str(error)) from error
            if note := mismatch(path.name, source):
                self.stdout.write(note)
            if mapping.ignored:
                self.stdout.write(f"Not imported: {', '.join(mapping.ignored)}.")
            bar = ProgressBar(self.stderr, 1)

            def progress(so_far: Imported) -> None:
                reset_queries()  # with DEBUG, Django keeps all SQL with its parameters
                bar.show(table.done(), so_far.rows)

            try:
                done = self.import_table(
                    table,
                    mapping,
                    now=timezone.now(),
                    refuse=refused.add,
                    progress=progress,
                    options=options,
                )
            except MappingError as error:
                raise WrongUse(str(error)) from error
            except UnreadableFile as error:
                raise CommandError(f"Only what comes before is in. {error}", returncode=SOME_REFUSED) from error
            finally:
                bar.clear()
        self.stdout.write(self.describe(done))
        if done.refused:
            raise CommandError(
                f"Refused rows: {done.refused:,} of {done.rows:,}. They stand in {errors} with the reasons.",
                returncode=SOME_REFUSED,
            )


def _pairs(assignments: list[str]) -> list[tuple[str, str]]:
    pairs = []
    for assignment in assignments:
        column, equals, target = assignment.rpartition("=")
        if not equals:
            raise WrongUse(f"“{assignment}” does not say which field: write COLUMN=FIELD.")
        pairs.append((column, target))
    return pairs


class ProgressBar:
    """Shows on a terminal how much of ``total`` is done; elsewhere it writes nothing."""

    def __init__(self, output: OutputWrapper, total: float) -> None:
        self._output = output
        self._total = total
        self._length = 0

    def show(self, position: float, rows: int) -> None:
        part = min(1.0, position / max(1, self._total))
        bar = ("#" * int(BAR_WIDTH * part)).ljust(BAR_WIDTH)
        self._write(f"[{bar}] {part:4.0%} {rows:,} rows")

    def clear(self) -> None:
        if self._length:
            self._write("")
            self._write("")

    def _write(self, text: str) -> None:
        if self._output.isatty():
            self._output.write(f"\r{text.ljust(self._length)}", style_func=str, ending="")
            self._output.flush()
            self._length = len(text)
