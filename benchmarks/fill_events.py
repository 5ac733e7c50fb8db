"""Part of a benchmark: what the made-up contacts did in two years, computed inside the database.

Some contacts did thousands of times what most did. The events are written in the order of time, as they would have come
in, and neither by the change log nor into the summaries of the contacts, which stay made up.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management.color import no_style
from django.db import connection, transaction

from benchmarks.people import DAY, NOW, PRIME, Dice, numbers, tidy
from contacts.changes import install_triggers
from contacts.models import Change, Contact, Event

YEARS = 730 * DAY  # seconds
TYPES = {  # of a hundred events
    "page_visit": 45,
    "product_visit": 20,
    "cart_add": 8,
    "purchase": 5,
    "email_delivered": 15,
    "email_opened": 7,
}
CATEGORIES = ["shoes", "shirts", "coats", "hats", "bags", "socks", "belts", "gloves", "scarves", "toys"]
DEVICES = ["mobile", "mobile", "desktop", "tablet"]


def main(events: str) -> None:
    if Event.objects.count() == int(events):
        return
    if Event.objects.exists():
        raise SystemExit("The database holds other events already: name an empty one.")
    with without_change_log():
        # Sorting once is quicker than finding the place of every event.
        with connection.schema_editor() as editor:
            for index in Event._meta.indexes:
                editor.remove_index(Event, index)
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_insert(Contact.objects.count(), int(events)))
            for statement in connection.ops.sequence_reset_sql(no_style(), [Event]):
                cursor.execute(statement)
        with connection.schema_editor() as editor:
            for index in Event._meta.indexes:
                editor.add_index(Event, index)
    tidy("contacts_event")


@contextmanager
def without_change_log() -> Iterator[None]:
    """Events that are written meanwhile leave no trace in the change log."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("DROP TRIGGER contacts_event_log_insert ON contacts_event")
        else:
            cursor.execute("DROP TRIGGER contacts_event_created")
    try:
        yield
    finally:
        install_triggers()


def forget_recorded() -> None:
    """Remove what earlier parts have recorded, which has keys, and what that left in the change log."""
    Event.objects.filter(key__isnull=False)._raw_delete(connection.alias)
    Change.objects.all()._raw_delete(connection.alias)


def _insert(contacts: int, events: int) -> str:
    dice = Dice()
    drawn = f"{dice.number(PRIME)} / {PRIME}.0"
    # The square draws the first of them far more often; multiplying scatters these among the others.
    place = f"CAST(FLOOR({contacts} * ({drawn}) * ({drawn})) AS bigint)"
    if connection.vendor == "sqlite":
        place = f"CAST({contacts} * ({drawn}) * ({drawn}) AS INTEGER)"
    contact = f"1 + {place} * 48271 % {contacts}"
    moment = f"{int(NOW.timestamp())} - (({events} - id) * {YEARS} / {events} + {dice.number(3600)})"
    kind = dice.number(100)
    columns = {
        "id": "id",
        "contact_id": contact,
        "type": _by_type(kind, {name: f"'{name}'" for name in TYPES}),
        "occurred_at": _moment(moment),
        "received_at": _moment(moment),
        "value": _by_type(kind, {"purchase": f"(500 + {dice.number(20_000)}) / 100.0"}),
        "properties": _by_type(kind, _properties(dice), "'{}'"),
    }
    if connection.vendor == "postgresql":
        columns["properties"] = f"({columns['properties']})::jsonb"
    return (
        f"INSERT INTO contacts_event ({', '.join(columns)}) SELECT {', '.join(columns.values())}"
        f" FROM ({numbers(events)}) numbers"
    )


def _by_type(kind: str, values: dict[str, str], otherwise: str = "NULL") -> str:
    """The value for the type of the event, of which ``kind`` is a number below 100."""
    below = 0
    cases = ""
    for name, share in TYPES.items():
        below += share
        cases += f" WHEN {kind} < {below} THEN {values.get(name, otherwise)}"
    return f"CASE{cases} END"


def _moment(epoch: str) -> str:
    return f"to_timestamp({epoch})" if connection.vendor == "postgresql" else f"datetime({epoch}, 'unixepoch')"


def _properties(dice: Dice) -> dict[str, str]:
    def text(key: str, value: str) -> str:
        return f""""{key}": "' || {value} || '\""""

    device = text("device", dice.one_of(DEVICES))
    product = ", ".join([text("product", f"'p' || {dice.number(5_000)}"), text("category", dice.one_of(CATEGORIES))])
    price = f"""\"price": ' || (5 + {dice.number(200)}) || '.5"""
    quantity = f"""\"quantity": ' || (1 + {dice.number(4)}) || '"""
    campaign = text("campaign", f"'c' || {dice.number(50)}")
    return {
        "page_visit": f"""'{{{text("path", f"'/p/' || {dice.number(2_000)}")}, {device}}}'""",
        "product_visit": f"'{{{product}, {price}, {device}}}'",
        "cart_add": f"'{{{product}, {price}, {quantity}, {device}}}'",
        "purchase": f"""'{{{product}, {quantity}, "currency": "EUR", {device}}}'""",
        "email_delivered": f"'{{{campaign}}}'",
        "email_opened": f"'{{{campaign}}}'",
    }
