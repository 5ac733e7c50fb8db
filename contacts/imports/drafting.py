"""From a file to an import that can be checked: keeping the file, reading its columns, and proposing where they go."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import PurePath
from typing import Any, BinaryIO, cast

from django.conf import settings
from django.core.files.base import File
from django.db import transaction
from django.utils.translation import gettext as _

from contacts.fields import Catalogue, catalogue
from contacts.folding import fold
from contacts.imports.cells import CellReader, readers_of
from contacts.imports.guessing import guess
from contacts.imports.models import Import, SavedMapping
from contacts.imports.options import Options
from contacts.imports.sources import Row, Source, Table, UnreadableFile, detect, open_table
from crm.models import User

SAMPLES = 20
GUESSED_FROM = 1_000
MEGABYTE = 1024 * 1024


class UnderWay(ValueError):
    """A worker is at the import, or it is over: it can no longer be changed."""


def begin(file: File[bytes], *, name: str, kind: str, user: User | None, now: datetime) -> Import:
    """Keep a file and make a draft of its import, with proposals for how it is read and where its columns go.

    ``file`` has the name that it was uploaded with. Raises `UnreadableFile`, and then keeps nothing.
    """
    if file.size > settings.IMPORT_MAX_MEGABYTES * MEGABYTE:
        raise UnreadableFile(_("The file is larger than %d MB.") % settings.IMPORT_MAX_MEGABYTES)
    # It stays open: what Django keeps of an upload vanishes when it is closed.
    source = detect(cast(BinaryIO, file.open("rb")), PurePath(file.name or "").name)
    import_run = Import(kind=kind, name=name[:200], user=user, created_at=now, options=Options().as_json())
    import_run.file.save("file", file, save=False)
    try:
        read_again(import_run, source)
    except Exception:
        import_run.file.delete(save=False)
        raise
    return import_run


def read_again(import_run: Import, source: Source) -> None:
    """Read the columns of a draft as ``source`` says, propose anew where they go, and save.

    Columns that were mapped like this before are proposed as they were then. Raises `UnreadableFile`, and `UnderWay`
    for an import that is no draft.
    """
    import_run.source = source.as_json()
    with opened_table(import_run) as table:
        rows = list(islice(table.rows(), GUESSED_FROM))
        import_run.columns = table.columns
    saved = saved_mapping_for(import_run.columns, kind=import_run.kind)
    fields = catalogue()
    if saved:
        import_run.mapping, import_run.options = saved.mapping, import_run.options | saved.options
    else:
        import_run.mapping = proposed_mapping(import_run, rows, fields)
    _match_by_a_column(import_run)
    save_draft(import_run)


def proposed_mapping(import_run: Import, rows: Sequence[Row], fields: Catalogue) -> list[dict[str, Any]]:
    """Where the columns seem to go, by their names and by what is in them."""
    cells = [row.cells for row in rows if not row.problem]
    guesses = guess(import_run.columns, cells, kind=import_run.kind, fields=fields)
    return [{"target": one.target, "dates": one.dates, "decimal": one.decimal} for one in guesses]


def save_draft(import_run: Import) -> None:
    """Save how a draft is read, mapped and to be carried out; a check of it no longer holds. Raises `UnderWay`."""
    if import_run._state.adding:
        import_run.save()
        return
    with transaction.atomic():
        drafts = Import.objects.filter(pk=import_run.pk, state__in=[Import.State.DRAFT, Import.State.CHECKED])
        saved = drafts.update(
            name=import_run.name,
            source=import_run.source,
            columns=import_run.columns,
            mapping=import_run.mapping,
            options=import_run.options,
            state=Import.State.DRAFT,
            check_result=None,
        )
        if not saved:
            raise UnderWay(_("This import has begun and can no longer be changed."))
        import_run.refused_rows.all()._raw_delete("default")
    import_run.refresh_from_db()


@contextmanager
def opened_table(import_run: Import) -> Iterator[Table]:
    """The file of an import as a table. Raises `UnreadableFile`, also when the file has been removed."""
    try:
        file = import_run.file.open("rb")
    except (FileNotFoundError, ValueError):
        raise UnreadableFile(_("The file of this import has been removed.")) from None
    with file:
        yield open_table(cast(BinaryIO, file.file), Source.from_json(import_run.source))


def samples(import_run: Import, count: int = SAMPLES) -> list[Row]:
    """The first rows of the file as they are written there."""
    with opened_table(import_run) as table:
        return list(islice(table.rows(), count))


@dataclass(frozen=True)
class FirstCell:
    """A cell as it is written in the file, what will be stored in words people read, and why it cannot be."""

    text: str
    shown: str = ""
    problem: str = ""


@dataclass(frozen=True)
class FirstRow:
    """A row as it will be stored: one cell for each column that goes somewhere; ``problem`` is one of the whole row."""

    line: int
    cells: list[FirstCell]
    problem: str = ""


def first_rows(import_run: Import, count: int = SAMPLES) -> list[FirstRow]:
    """The first rows as they will be stored, each with a cell for every column that goes somewhere.

    These are the columns of `contacts.imports.options.columns_of`, in its order.
    """
    readers = readers_of(import_run, catalogue())
    return [
        FirstRow(row.line, [] if row.problem else [_first_cell(reader, row) for reader in readers], row.problem)
        for row in samples(import_run, count)
    ]


def _first_cell(reader: CellReader, row: Row) -> FirstCell:
    text = row.cells[reader.column.place]
    shown, problem = reader.shown(text)
    return FirstCell(text, shown, problem)


def fingerprint(columns: Sequence[str]) -> str:
    """What tells the headers of files apart: the names of the columns in their order, without regard to case."""
    names = json.dumps([fold(name.strip()) for name in columns])
    return hashlib.sha256(names.encode()).hexdigest()


def saved_mapping_for(columns: Sequence[str], *, kind: str = Import.Kind.CONTACTS) -> SavedMapping | None:
    """How columns of these names were mapped when they were last imported."""
    return SavedMapping.objects.filter(kind=kind, fingerprint=fingerprint(columns)).first()


def keep_mapping(import_run: Import, *, now: datetime) -> None:
    """Keep how the columns are mapped, to be proposed for the next file with the same header.

    Consent and reasons for subscribing again are of this file alone.
    """
    kept = {name: value for name, value in import_run.options.items() if name in ("match", "empty", "event_type")}
    SavedMapping.objects.update_or_create(
        kind=import_run.kind,
        fingerprint=fingerprint(import_run.columns),
        defaults={"mapping": import_run.mapping, "options": kept, "user": import_run.user, "used_at": now},
    )


def _match_by_a_column(import_run: Import) -> None:
    """Match by a key that a column goes to."""
    targets = {entry["target"] for entry in import_run.mapping}
    keys = [key for key in ("external_id", "email") if key in targets]
    if keys and import_run.options.get("match") not in keys:
        import_run.options = import_run.options | {"match": keys[0]}
