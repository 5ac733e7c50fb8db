"""The change log: what changed about which contact since the memberships were last brought up to date.

Database triggers write it, so that no write can bypass it: pages, the admin, ``bulk_create``, ``update()``, imports
and SQL typed by hand all leave their rows in the transaction that made the change. On PostgreSQL the triggers work
once for each statement, on its whole set of rows. A segment engine registers itself as a reader (`READERS`).

Who came with an import is logged only of imports that somebody watches (`watch_imports`): a large one would fill the
log with what concerns nobody. The same triggers write the arrivals (`contacts.arrivals`).
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from contacts import arrivals
from contacts.fields import SYSTEM_FIELDS
from contacts.models import Import
from crm.registry import Registry


@dataclass(frozen=True)
class Reader:
    """Somebody who acts on changes: ``function(now=…)`` is called after a commit that may have left some.

    It may leave many of them for later; ``catch_up(now=…)`` takes all that there are, and ``settle(now=…)`` besides
    does at once what follows from them, however long it takes.
    """

    key: str
    function: Callable[..., Any]
    catch_up: Callable[..., Any]
    settle: Callable[..., Any]


READERS: Registry[Reader] = Registry("reader of the change log")


@contextmanager
def recorded(*, now: datetime) -> Iterator[None]:
    """A transaction whose changes have reached every reader when the outermost one has committed.

    All writes of contacts, list memberships and events by people and programs happen inside; ``now`` is the moment
    that the readers work with. A reader that fails does not undo the write: it is logged, and the worker tries again.
    """
    with transaction.atomic():
        yield
        transaction.on_commit(lambda: run_readers(now=now), robust=True)


def run_readers(*, now: datetime) -> None:
    """Let every reader take what is in the log."""
    for reader in READERS:
        reader.function(now=now)


def catch_up(*, now: datetime) -> None:
    """Let every reader take all that is in the log, however much, for a writer who waits until the log is short."""
    for reader in READERS:
        reader.catch_up(now=now)


def settle(*, now: datetime) -> None:
    """Let every reader take all that is in the log and do what follows, for a writer who says when all is right."""
    for reader in READERS:
        reader.settle(now=now)


def watch_imports(import_ids: Iterable[int]) -> None:
    """Log from now on who comes with these imports. Who came before has been written: the caller reads it afterwards.

    An import under way is waited for until its batch is there: the triggers hold its row.
    """
    wanted = Import.objects.filter(pk__in=list(import_ids), watched=False)
    if wanted.exists():
        wanted.update(watched=True)


# A session plans a trigger's statements once, for as many rows as the first change happens to have: after an edit of
# one contact, a bulk update's old and new rows would be joined each with each. And compiling takes longer than it
# saves.
PLANNING = "SET enable_nestloop = off SET jit = off"


def install_triggers(using: str = "default", **kwargs: Any) -> None:
    """Create the triggers that write the log, replacing older ones; receiver of ``post_migrate``.

    After every migration, because on SQLite altering a table rebuilds it and drops its triggers.
    """
    connection = connections[using]
    with transaction.atomic(using=using), connection.cursor() as cursor:
        for statement in trigger_statements(connection):
            cursor.execute(statement)


def drop_import_triggers(using: str = "default", **kwargs: Any) -> None:
    """Drop the triggers that read the table of imports; receiver of ``pre_migrate``.

    SQLite alters a table by making it anew, and refuses while a trigger of another one names it.
    """
    connection = connections[using]
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            for name in ("contacts_import_joined", "contacts_import_left"):
                cursor.execute(f"DROP TRIGGER IF EXISTS {name}")


def trigger_statements(connection: BaseDatabaseWrapper) -> list[str]:
    return _postgresql() if connection.vendor == "postgresql" else _sqlite()


def _columns() -> list[str]:
    """The columns of a contact whose changes are logged, which are those of the system fields."""
    return [field.column for field in SYSTEM_FIELDS]


def _sqlite() -> list[str]:
    field_changed = " UNION ALL ".join(
        f"SELECT NEW.id, 'field:{column}' WHERE OLD.{column} IS NOT NEW.{column}" for column in _columns()
    )
    custom_changed = """
        SELECT NEW.id, 'field:custom.' || key FROM (
          SELECT key FROM (SELECT key, type, value FROM json_each(OLD.custom)
                           EXCEPT SELECT key, type, value FROM json_each(NEW.custom))
          UNION
          SELECT key FROM (SELECT key, type, value FROM json_each(NEW.custom)
                           EXCEPT SELECT key, type, value FROM json_each(OLD.custom))
        )"""
    log = "INSERT INTO contacts_change (contact_id, key)"
    triggers = {
        "contacts_contact_created": f"AFTER INSERT ON contacts_contact BEGIN {log} VALUES (NEW.id, 'contact'); END",
        "contacts_contact_changed": f"AFTER UPDATE ON contacts_contact BEGIN {log} {field_changed}; END",
        "contacts_contact_custom": f"""AFTER UPDATE ON contacts_contact WHEN OLD.custom IS NOT NEW.custom
            BEGIN {log} {custom_changed}; END""",
        "contacts_contact_deleted": f"AFTER DELETE ON contacts_contact BEGIN {log} VALUES (OLD.id, 'contact'); END",
        "contacts_event_created": f"""AFTER INSERT ON contacts_event
            BEGIN {log} VALUES (NEW.contact_id, 'event:' || NEW.type); END""",
        "contacts_event_changed": f"""AFTER UPDATE ON contacts_event BEGIN
            {log} VALUES (OLD.contact_id, 'event:' || OLD.type), (NEW.contact_id, 'event:' || NEW.type); END""",
        "contacts_event_deleted": f"""AFTER DELETE ON contacts_event
            BEGIN {log} VALUES (OLD.contact_id, 'event:' || OLD.type); END""",
        "contacts_list_joined": f"""AFTER INSERT ON contacts_listmembership
            BEGIN {log} VALUES (NEW.contact_id, 'list:' || NEW.list_id); END""",
        "contacts_list_changed": f"""AFTER UPDATE ON contacts_listmembership BEGIN
            {log} VALUES (OLD.contact_id, 'list:' || OLD.list_id), (NEW.contact_id, 'list:' || NEW.list_id); END""",
        "contacts_list_left": f"""AFTER DELETE ON contacts_listmembership
            BEGIN {log} VALUES (OLD.contact_id, 'list:' || OLD.list_id); END""",
        "contacts_import_joined": f"""AFTER INSERT ON contacts_contactimport {_if_watched("NEW")}
            BEGIN {log} VALUES (NEW.contact_id, 'import:' || NEW.import_run_id); END""",
        "contacts_import_left": f"""AFTER DELETE ON contacts_contactimport {_if_watched("OLD")}
            BEGIN {log} VALUES (OLD.contact_id, 'import:' || OLD.import_run_id); END""",
        **arrivals.sqlite_triggers(),
    }
    return [
        statement
        for name, body in triggers.items()
        for statement in (f"DROP TRIGGER IF EXISTS {name}", f"CREATE TRIGGER {name} {body}")
    ]


def _if_watched(row: str) -> str:
    return f"WHEN EXISTS (SELECT 1 FROM contacts_import i WHERE i.id = {row}.import_run_id AND i.watched)"


def _postgresql() -> list[str]:
    columns = ", ".join(f"('field:{column}', n.{column} IS DISTINCT FROM o.{column})" for column in _columns())
    log = "INSERT INTO contacts_change (contact_id, key)"
    contact_changed = f"""
        {log} SELECT n.id, c.key FROM new_rows n JOIN old_rows o ON o.id = n.id,
                LATERAL (VALUES {columns}) c (key, changed) WHERE c.changed;
        {log} SELECT n.id, 'field:custom.' || c.key FROM new_rows n JOIN old_rows o ON o.id = n.id, LATERAL (
                SELECT key FROM (SELECT * FROM jsonb_each(o.custom) EXCEPT SELECT * FROM jsonb_each(n.custom)) gone
                UNION
                SELECT key FROM (SELECT * FROM jsonb_each(n.custom) EXCEPT SELECT * FROM jsonb_each(o.custom)) come
              ) c WHERE n.custom IS DISTINCT FROM o.custom"""

    def keys(table: str, prefix: str, column: str) -> str:
        return f"{log} SELECT contact_id, '{prefix}:' || {column} FROM {table}"

    triggers = {
        ("contacts_contact", "INSERT"): f"{log} SELECT id, 'contact' FROM new_rows",
        ("contacts_contact", "UPDATE"): contact_changed,
        ("contacts_contact", "DELETE"): f"{log} SELECT id, 'contact' FROM old_rows",
    }
    for table, prefix, column in (
        ("contacts_event", "event", "type"),
        ("contacts_listmembership", "list", "list_id"),
    ):
        triggers[table, "INSERT"] = keys("new_rows", prefix, column)
        triggers[table, "UPDATE"] = f"{keys('old_rows', prefix, column)}; {keys('new_rows', prefix, column)}"
        triggers[table, "DELETE"] = keys("old_rows", prefix, column)
    for action, table in (("INSERT", "new_rows"), ("DELETE", "old_rows")):
        # Holding the import, so that nobody begins to watch it before these rows can be read.
        triggers["contacts_contactimport", action] = f"""
            PERFORM FROM contacts_import WHERE id IN (SELECT DISTINCT import_run_id FROM {table}) FOR SHARE;
            {keys(table, "import", "import_run_id")} t
                WHERE EXISTS (SELECT 1 FROM contacts_import i WHERE i.id = t.import_run_id AND i.watched)"""
    for place, body in arrivals.postgresql_statements().items():
        triggers[place] += f"; {body}"
    referencing = {
        "INSERT": "NEW TABLE AS new_rows",
        "UPDATE": "OLD TABLE AS old_rows NEW TABLE AS new_rows",
        "DELETE": "OLD TABLE AS old_rows",
    }
    statements = []
    for (table, action), body in triggers.items():
        name = f"{table}_log_{action.lower()}"
        statements += [
            f"""CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql {PLANNING}
                AS $$ BEGIN {body}; RETURN NULL; END $$""",
            f"""CREATE OR REPLACE TRIGGER {name} AFTER {action} ON {table} REFERENCING {referencing[action]}
                FOR EACH STATEMENT EXECUTE FUNCTION {name}()""",
        ]
    return statements
