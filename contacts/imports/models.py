"""An import and what it leaves: who came with it, the rows that it refused, and how its columns were mapped."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


def place_of_file(instance: Any, filename: str) -> str:
    """Where an uploaded file is kept: under a name that tells nothing and that nobody guesses."""
    return f"imports/{uuid.uuid4().hex}"


class ImportQuerySet(models.QuerySet["Import"]):
    def under_way(self) -> ImportQuerySet:
        """Those that a worker checks, runs or undoes now."""
        return self.filter(state__in=[Import.State.CHECKING, Import.State.RUNNING, Import.State.UNDOING])

    def that_brought_contacts(self) -> ImportQuerySet:
        """Those that contacts can have come with: of contacts, and begun."""
        return self.filter(kind=Import.Kind.CONTACTS, started_at__isnull=False)


class Import(models.Model):
    """A file that is brought in: from the upload to the undoing. Called ``import_run`` in code.

    ``source`` says how the file is read, ``columns`` are the names read from it, ``mapping`` has one entry for each
    column and ``options`` what is to be done (`contacts.imports.options`). ``position`` is how many records of the file
    are done; it moves in the transactions that write them, and the numbers with it, so that a worker that is killed
    loses nothing and does nothing twice. ``check_result`` is what the check found, ``undo_result`` what undoing did.
    ``watched`` says that somebody asks who came with it, so that the change log tells (`contacts.changes`).
    """

    class Kind(models.TextChoices):
        CONTACTS = "contacts", _("Contacts")
        EVENTS = "events", _("Events")

    class State(models.TextChoices):
        DRAFT = "draft", _("Draft")
        CHECKING = "checking", _("Checking")
        CHECKED = "checked", _("Checked")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        CANCELLED = "cancelled", _("Cancelled")
        FAILED = "failed", _("Failed")
        UNDOING = "undoing", _("Being undone")
        UNDONE = "undone", _("Undone")

    kind = models.CharField(_("kind"), max_length=16, choices=Kind, default=Kind.CONTACTS)
    name = models.CharField(_("name"), max_length=200)
    file = models.FileField(_("file"), upload_to=place_of_file, blank=True)
    source = models.JSONField(_("source"), default=dict, blank=True)
    columns = models.JSONField(_("columns"), default=list, blank=True)
    mapping = models.JSONField(_("mapping"), default=list, blank=True)
    options = models.JSONField(_("options"), default=dict, blank=True)
    state = models.CharField(_("state"), max_length=16, choices=State, default=State.DRAFT)
    job = models.ForeignKey("crm.Job", models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("job"))
    check_result = models.JSONField(_("result of the check"), null=True, blank=True)
    undo_result = models.JSONField(_("result of undoing"), null=True, blank=True)
    error = models.TextField(_("error"), blank=True)

    position = models.PositiveBigIntegerField(_("records done"), default=0)
    rows = models.PositiveBigIntegerField(_("rows"), default=0)
    created = models.PositiveBigIntegerField(_("created"), default=0)
    updated = models.PositiveBigIntegerField(_("updated"), default=0)
    unchanged = models.PositiveBigIntegerField(_("unchanged"), default=0)
    left = models.PositiveBigIntegerField(_("left as they were"), default=0)
    joined = models.PositiveBigIntegerField(_("further rows of the same contacts"), default=0)
    refused = models.PositiveBigIntegerField(_("refused"), default=0)

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("user")
    )
    created_at = models.DateTimeField(_("uploaded"))
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    undone_at = models.DateTimeField(_("undone"), null=True, blank=True)
    watched = models.BooleanField(default=False, editable=False)

    objects = ImportQuerySet.as_manager()

    class Meta:
        verbose_name = _("import")
        verbose_name_plural = _("imports")
        ordering = ["-id"]
        indexes = [models.Index(fields=["state", "id"], name="contacts_import_state")]

    def __str__(self) -> str:
        return self.name

    @property
    def counts(self) -> dict[str, int]:
        """What became of the rows so far; the numbers after ``rows`` add up to it."""
        names = ("rows", "created", "updated", "unchanged", "left", "joined", "refused")
        return {name: getattr(self, name) for name in names}

    @property
    def is_under_way(self) -> bool:
        """Whether a worker is at it: it can then be neither edited nor started."""
        return self.state in {self.State.CHECKING, self.State.RUNNING, self.State.UNDOING}

    @property
    def is_draft(self) -> bool:
        """Whether nothing of it has been written yet, so that its columns and options can still be changed."""
        return self.state in {self.State.DRAFT, self.State.CHECKED}


class ContactImport(models.Model):
    """This contact came with this import: it was ``created`` by it, or ``changed``, or found as the file says.

    ``written_at`` is when the import last wrote it. Without database constraints on the references, which would
    double the cost of an insert on PostgreSQL; whoever deletes contacts deletes these rows (`contacts.personal_data`).
    """

    pk = models.CompositePrimaryKey("import_run_id", "contact_id")
    import_run = models.ForeignKey(Import, models.CASCADE, related_name="+", db_index=False, db_constraint=False)
    contact = models.ForeignKey(
        "contacts.Contact", models.CASCADE, related_name="imports", db_index=False, db_constraint=False
    )
    created = models.BooleanField(_("created"))
    changed = models.BooleanField(_("changed"))
    written_at = models.DateTimeField(_("written"))

    class Meta:
        verbose_name = _("contact of an import")
        verbose_name_plural = _("contacts of imports")
        indexes = [models.Index(fields=["contact", "import_run"], name="contacts_contactimport_contact")]

    def __str__(self) -> str:
        return f"{self.contact_id} with {self.import_run_id}"


class RefusedRow(models.Model):
    """A record of the file that was not imported: where it begins, why not, and its cells as they were.

    ``kind`` is the key of the kind of reason (`contacts.imports.refused`) and ``column`` the name of the column at
    fault, empty where the record as a whole is.
    """

    import_run = models.ForeignKey(Import, models.CASCADE, related_name="refused_rows")
    line = models.PositiveBigIntegerField(_("line"))
    reason = models.TextField(_("reason"))
    kind = models.CharField(_("kind"), max_length=32)
    column = models.CharField(_("column"), max_length=300, blank=True)
    cells = models.JSONField(_("cells"), default=list)

    class Meta:
        verbose_name = _("refused row")
        verbose_name_plural = _("refused rows")
        ordering = ["id"]

    def __str__(self) -> str:
        return f"line {self.line}: {self.reason}"


class SavedMapping(models.Model):
    """How the columns of a file were mapped, to be offered again for a file with the same header."""

    kind = models.CharField(_("kind"), max_length=16, choices=Import.Kind)
    fingerprint = models.CharField(_("fingerprint of the header"), max_length=64)
    mapping = models.JSONField(_("mapping"))
    options = models.JSONField(_("options"))
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("user")
    )
    used_at = models.DateTimeField(_("last used"))

    class Meta:
        verbose_name = _("saved mapping")
        verbose_name_plural = _("saved mappings")
        ordering = ["-used_at"]
        constraints = [models.UniqueConstraint(fields=["kind", "fingerprint"], name="contacts_one_mapping_per_header")]

    def __str__(self) -> str:
        return f"{self.kind} {self.fingerprint[:8]}"
