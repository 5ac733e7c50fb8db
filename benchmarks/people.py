"""Made-up contacts and lists, computed inside the database: the same ones every time and on every database."""

from datetime import UTC, datetime

from django.core.management import call_command
from django.core.management.color import no_style
from django.db import connection, transaction

from contacts.models import Contact, ContactField, ContactList
from segments.models import Membership, RefreshRun, Segment, SegmentDay, Transition

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


def words(text: str) -> list[str]:
    return text.split()


FIRST_NAMES = words(
    "Ana Marta María Omar Lucía Carmen Pablo Hugo Daniel Álvaro Adrián Sofía Paula Zoë Chloé José Jürgen Łukasz Özlem"
    " Émile Anna Emma Noah Liam Olivia Mia Leon Paul Finn Marc Marie Martin Tamara Karl Eva Ida Jan Nina Tom Ömer"
)
LAST_NAMES = words(
    "García Martínez López Sánchez Pérez Gómez Martín Jiménez Ruiz Díaz Müller Schmidt Schneider Fischer Weber Meyer"
    " Wagner Becker Schulz Hoffmann Dubois Durand Leroy Moreau Simon Laurent Rossi Russo Ferrari Esposito Silva"
    " Santos Ferreira Pereira Oliveira Nowak Kowalski Wiśniewski Smith Jones Taylor Brown Wilson Evans Marlowe"
)
COUNTRIES = words("ES ES ES ES ES FR FR FR DE DE IT IT PT GB PL US")  # and none for some
CITIES = words("Valencia Madrid Barcelona Sevilla Paris Lyon Berlin Hamburg Roma Milano Lisboa London Kraków Boston")
TIERS = ["gold", "silver", "bronze"]
LISTS = {"Shop": 60, "Magazine": 35, "Complaints": 5}  # name and percentage of the contacts

PRIME = 2**31 - 1
DAY = 86_400  # seconds


class Dice:
    """Numbers that look random, as SQL over a contact's id: each throw differs from those before it."""

    def __init__(self) -> None:
        self.throws = 0

    def number(self, below: int) -> str:
        """A number from 0 to ``below`` - 1."""
        self.throws += 1
        return f"((id * {pow(48271, self.throws + 4, PRIME)}) % {PRIME} % {below})"

    def one_of(self, words: list[str]) -> str:
        choices = " ".join(f"WHEN {place} THEN '{word}'" for place, word in enumerate(words))
        return f"CASE {self.number(len(words))} {choices} END"

    def sometimes(self, percentage: int, value: str, otherwise: str = "NULL") -> str:
        return f"CASE WHEN {self.number(100)} < {percentage} THEN {value} ELSE {otherwise} END"


def prepare(contacts: int) -> None:
    """Make the tables and fill them, unless that many contacts are there already."""
    call_command("migrate", verbosity=0)
    if Contact.objects.count() == contacts:
        return
    if Contact.objects.exists():
        raise SystemExit("The database holds other contacts already: name an empty one.")
    with transaction.atomic():
        for key, kind in (("tier", "choice"), ("score", "decimal"), ("shoe_size", "integer"), ("vip", "boolean")):
            options = [{"value": tier, "label": tier.title()} for tier in TIERS] if key == "tier" else []
            ContactField.objects.create(key=key, label=key, type=kind, options=options)
        _contacts(contacts)
        dice = Dice()
        dice.throws = 50
        for name, percentage in LISTS.items():
            _subscriptions(ContactList.objects.create(name=name).pk, dice, percentage)
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM contacts_change")
    if connection.vendor == "postgresql":
        _keep_quiet()
    tidy()


def _keep_quiet() -> None:
    """Let PostgreSQL not clean up at moments of its own choice; `tidy` does."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            cursor.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = off)")


def tidy(prefix: str = "") -> None:
    """What PostgreSQL does by itself in quiet hours: clean up, and learn what is in the tables of that prefix."""
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            if table.startswith(prefix):
                cursor.execute(f"VACUUM ANALYZE {table}")


def forget_segments() -> None:
    """Remove every segment and its traces, so that what is measured next begins with the same tables."""
    for model in (Membership, Transition, SegmentDay, RefreshRun, Segment):
        model.objects.all()._raw_delete(connection.alias)
    tidy("segments_")


def numbers(count: int) -> str:
    if connection.vendor == "postgresql":
        return f"SELECT generate_series(1, {count}::bigint) AS id"
    return f"WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < {count}) SELECT id FROM n"


def _day(first: str, number: str) -> str:
    if connection.vendor == "postgresql":
        return f"DATE '{first}' + ({number})::int"
    return f"date('{first}', ({number}) || ' days')"


def _moment_before_now(seconds: str) -> str:
    epoch = int(NOW.timestamp())
    if connection.vendor == "postgresql":
        return f"to_timestamp({epoch} - {seconds})"
    return f"datetime({epoch} - {seconds}, 'unixepoch')"


def _contacts(count: int) -> None:
    dice = Dice()
    bought = f"({dice.number(100)} < 45)"
    purchases = f"(1 + {dice.number(12)})"
    total = f"({purchases} * (500 + {dice.number(9_000)}) / 100.0)"
    last_purchase = _moment_before_now(dice.number(730 * DAY))
    created = _moment_before_now(f"({dice.number(1000 * DAY)} + {DAY})")
    parts = [
        f"""'{{"shoe_size": ' || (35 + {dice.number(12)})""",
        dice.sometimes(70, f"""', "tier": "' || {dice.one_of(TIERS)} || '"'""", "''"),
        dice.sometimes(60, f"""', "score": ' || {dice.number(100)} || '.' || (1 + {dice.number(9)})""", "''"),
        dice.sometimes(20, """', "vip": true'""", "''"),
        "'}'",
    ]
    custom = " || ".join(parts)
    columns = {
        "id": "id",
        "email": "'person' || id || '@example.com'",
        "external_id": "'C' || id",
        "first_name": dice.one_of(FIRST_NAMES),
        "last_name": dice.one_of(LAST_NAMES),
        "phone": dice.sometimes(60, "'+346' || (10000000 + id)", "''"),
        "date_of_birth": dice.sometimes(85, _day("1940-01-01", dice.number(25_000))),
        "gender": dice.one_of(["female", "male", ""]),
        "language": dice.one_of(["es", "fr", "de", "en"]),
        "country": dice.sometimes(95, dice.one_of(COUNTRIES), "''"),
        "region": "''",
        "city": dice.one_of(CITIES),
        "postal_code": f"'' || (10000 + {dice.number(80_000)})",
        "time_zone": "''",
        "newsletter": dice.one_of(["subscribed", "subscribed", "unsubscribed", "pending", "never", "never"]),
        "points": dice.number(100),
        "created_at": created,
        "updated_at": created,
        "custom": f"({custom})::jsonb" if connection.vendor == "postgresql" else custom,
        "purchases_count": f"CASE WHEN {bought} THEN {purchases} ELSE 0 END",
        "purchases_total": f"CASE WHEN {bought} THEN {total} ELSE 0 END",
        "first_purchase_at": f"CASE WHEN {bought} THEN {last_purchase} END",
        "last_purchase_at": f"CASE WHEN {bought} THEN {last_purchase} END",
    }
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO contacts_contact ({', '.join(columns)}) SELECT {', '.join(columns.values())}"
            f" FROM ({numbers(count)}) numbers"
        )
        for statement in connection.ops.sequence_reset_sql(no_style(), [Contact]):
            cursor.execute(statement)


def _subscriptions(list_id: int, dice: Dice, percentage: int) -> None:
    """Put some of the contacts on a list; one in ten of them has left it again."""
    subscribed = _moment_before_now(f"({dice.number(100 * DAY)} + {100 * DAY})")
    left = dice.sometimes(10, _moment_before_now(dice.number(100 * DAY)))
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO contacts_listmembership (list_id, contact_id, subscribed_at, unsubscribed_at)"
            f" SELECT {list_id}, id, {subscribed}, {left} FROM contacts_contact WHERE {dice.number(100)} < {percentage}"
        )
