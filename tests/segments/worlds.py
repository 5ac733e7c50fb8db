"""Random contacts for the property tests, drawn from small pools so that values often meet.

A contact is drawn as the dictionary that `tests.segments.reading` reads, and written by `write`.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from contacts.models import Contact, ContactField, ContactList, ListMembership
from contacts.types import FIELD_TYPES
from segments.ledger import memberships_lock, moves_of
from segments.ledger import write as write_memberships
from segments.models import Cause, Segment
from tests.segments import event_worlds
from tests.segments.reading import SYSTEM_TYPES
from tests.segments.reading_values import NUMBERS, TEXTS, step_day

Contacts = list[dict[str, Any]]

CUSTOM_TYPES = {
    "nickname": "text",
    "bio": "long_text",
    "shoe_size": "integer",
    "budget": "decimal",
    "vip": "boolean",
    "joined_on": "date",
    "renews_at": "datetime",
    "work_email": "email",
    "mobile": "phone",
    "website": "url",
    "tier": "choice",
    "interests": "choices",
    "former": "text",  # archived
}
TYPES = SYSTEM_TYPES | {f"custom.{key}": kind for key, kind in CUSTOM_TYPES.items()}
OPTIONS = ["gold", "silver", "Gold", "o'clock", "ñ"]
CHOICES = {
    "gender": ["female", "male", "other"],
    "language": ["en", "es", "de"],
    "country": ["ES", "DE", "GB"],
    "time_zone": ["UTC", "Europe/Madrid"],
    "newsletter": ["subscribed", "pending", "unsubscribed", "never"],
    "email_status": ["ok", "bounced", "complained"],
    "custom.tier": OPTIONS,
    "custom.interests": OPTIONS,
}
ALWAYS_SET = ("newsletter", "email_status", "points", "created_at", "updated_at", "purchases_count", "purchases_total")
NULLABLE_TEXT = ("email", "external_id")
UNIQUE = ("email", "external_id")

# Account time zones with daylight saving in both halves of the year, at midnight, none, and a day that was left out.
ZONES = ["UTC", "Europe/Madrid", "America/Sao_Paulo", "Pacific/Apia", "America/St_Johns", "Asia/Kolkata"]

# Moments near leap days, ends of months and years, and changes of the clock in the zones above.
NOWS = [
    datetime(2026, 3, 10, 12, 0, tzinfo=UTC),
    datetime(2024, 2, 29, 12, 0, tzinfo=UTC),
    datetime(2025, 2, 28, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(2025, 3, 31, 22, 30, tzinfo=UTC),
    datetime(2026, 1, 1, 0, 0, tzinfo=UTC),
    datetime(2025, 12, 31, 10, 0, tzinfo=UTC),
    datetime(2025, 10, 26, 0, 30, tzinfo=UTC),  # Madrid: the first half past two
    datetime(2025, 10, 26, 1, 30, tzinfo=UTC),  # and the second
    datetime(2025, 3, 30, 1, 0, tzinfo=UTC),  # Madrid: two becomes three
    datetime(2018, 11, 4, 3, 0, tzinfo=UTC),  # São Paulo: midnight becomes one
    datetime(2018, 2, 18, 2, 30, tzinfo=UTC),  # São Paulo: the second half past eleven
    datetime(2011, 12, 30, 10, 0, tzinfo=UTC),  # Apia: the end of 29 December, the beginning of the 31st
]
DAY_UNITS = ["days", "weeks", "months", "years"]

# Letters whose case is not simple: one that becomes two, dotted and dotless, final, titled, Cherokee, Deseret.
LETTERS = "aAbB ßẞsSİiıIςσΣǅǆꭰᎠ𐐀𐐨éÉe\u0301ﬁf%_\\'\"0"
PHONES = ["+34612345678", "+34 612", "+1", "612"]
NUMBERS_OF_INTEREST = [0, 1, -1, 5, 60, 83, 2**31 - 1, -(2**31 - 1)]
BIG = [2**53 - 1, -(2**53 - 1)]
DECIMALS = ["0.0001", "-0.0001", "0.1", "0.3", "11.77", "11.7701", "0.3333", "1234567.1234", "99999999999.9999"]
JUNK: list[Any] = [
    *(None, True, False, 0, 1, 5, 5.5, -1, 1e21, 0.30000000000000004, 2**53 + 1),
    *("", "5", "true", "gold", "null", "2024-02-29", "2024-02-30", "0000-01-01", "2024-13-01", "2024-2-9"),
    *("20240229", "2024-02-29T10:00:00", "2024-02-29T10:00:00.000000Z", "2024-02-30T10:00:00.000000Z"),
    *("2024-02-29T24:00:00.000000Z", "2024-02-29T10:60:00.000000Z", "2024-02-29T10:00:00.000000z"),
    *("٢٠٢٤-٠٢-٢٩", "2024-02-29\n", [], {}, ["gold"], [60], ["gold", "gold", 5], [["gold"]], {"gold": True}),
]


# Values


def texts(*, smallest: int = 0) -> SearchStrategy[str]:
    return st.text(LETTERS, min_size=smallest, max_size=4)


def counts() -> SearchStrategy[int]:
    return st.sampled_from([1, 1, 2, 3, 12, 30, 400])


def days(now: datetime) -> SearchStrategy[date]:
    """Days at the edges of what counts from now, and days of which there is something to say."""
    today = now.date()
    steps = st.builds(
        lambda sign, count, unit, off: step_day(today, sign * count, unit) + timedelta(days=off),
        st.sampled_from([-1, 0, 1]),
        counts(),
        st.sampled_from(DAY_UNITS),
        st.sampled_from([0, -1, 1]),
    )
    special = [
        *(date(1965, 1, 1), date(1964, 2, 29), date(2024, 2, 29), date(2023, 2, 28), date(1999, 12, 31)),
        *(date(2000, 1, 1), date(2011, 12, 30), date(2030, 6, 15), date(1, 1, 5), date(9999, 12, 20)),
    ]
    return st.one_of(steps, st.sampled_from(special))


def moments(now: datetime, zone: str) -> SearchStrategy[datetime]:
    """Moments at the edges of what counts from now and of whole days, to the microsecond."""
    exact = {"minutes": 60, "hours": 3600, "days": 86_400, "weeks": 7 * 86_400}
    local = now.astimezone(ZoneInfo(zone))

    def on_the_clock(day: date) -> datetime:
        return local.replace(year=day.year, month=day.month, day=day.day).astimezone(UTC)

    def midnight(day: date) -> datetime:
        return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)

    rolling = st.builds(
        lambda sign, count, unit: now + timedelta(seconds=sign * count * exact[unit]),
        st.sampled_from([-1, 0, 1]),
        counts(),
        st.sampled_from(list(exact)),
    )
    near = days(now).filter(lambda day: 1900 < day.year < 2100)
    off = st.sampled_from([0, 0, 1, -1, 3_600_000_000, -3_600_000_000])
    return st.builds(
        lambda moment, microseconds: moment + timedelta(microseconds=microseconds),
        st.one_of(rolling, near.map(on_the_clock), near.map(midnight)),
        off,
    )


def numbers(kind: str) -> SearchStrategy[int | Decimal]:
    whole = st.sampled_from(NUMBERS_OF_INTEREST)
    return whole if kind == "integer" else st.one_of(whole, st.sampled_from(DECIMALS).map(Decimal))


def as_number(number: int | Decimal) -> int | float:
    return int(number) if number == int(number) else float(number)


def system_value(key: str, now: datetime, zone: str) -> SearchStrategy[Any]:
    """A value that a system field can have, no value included."""
    kind = SYSTEM_TYPES[key]
    if key == "email":
        value: SearchStrategy[Any] = texts(smallest=1).map(lambda text: text.lower().strip() or None)
    elif kind in TEXTS:
        value = st.one_of(texts(smallest=1), st.sampled_from(PHONES))
    elif kind in NUMBERS:
        value = numbers(kind).filter(lambda number: key != "purchases_count" or number >= 0)
    elif kind == "choice":
        value = st.sampled_from(CHOICES[key])
    else:
        value = days(now) if kind == "date" else moments(now, zone)
    if key in ALWAYS_SET:
        return value
    empty = None if key in NULLABLE_TEXT or kind not in (*TEXTS, "choice") else ""
    return st.one_of(st.just(empty), value, value, value)


def custom_value(kind: str, now: datetime, zone: str) -> SearchStrategy[Any]:
    """What may stand in the JSON of a custom field: mostly a value of its type, sometimes anything."""
    if kind in NUMBERS:
        big = BIG if kind == "integer" else []
        value: SearchStrategy[Any] = st.one_of(numbers("decimal").map(as_number), *map(st.just, big))
    elif kind == "boolean":
        value = st.booleans()
    elif kind == "date":
        value = days(now).map(FIELD_TYPES[kind].to_json)
    elif kind == "datetime":
        value = moments(now, zone).map(FIELD_TYPES[kind].to_json)
    elif kind == "choice":
        value = st.sampled_from(OPTIONS)
    elif kind == "choices":
        value = st.lists(st.sampled_from(OPTIONS), max_size=3)
    else:
        value = st.one_of(texts(), st.sampled_from(PHONES))
    return st.one_of(value, value, value, st.sampled_from(JUNK))


# Contacts


@st.composite
def contacts(
    draw: st.DrawFn,
    keys: Iterable[str],
    now: datetime,
    zone: str,
    *,
    lists: Iterable[int] = (),
    segments: Iterable[int] = (),
    events: SearchStrategy[list[dict[str, Any]]] | None = None,
    many: bool = False,
) -> Contacts:
    """Some contacts that differ in the fields, lists, static segments and events that are asked about."""
    values = {key: system_value(key, now, zone) for key in sorted(keys) if key in SYSTEM_TYPES}
    custom = {
        key.removeprefix("custom."): custom_value(TYPES[key], now, zone)
        for key in sorted(keys)
        if key not in SYSTEM_TYPES
    }
    one = st.fixed_dictionaries(
        {
            "values": st.fixed_dictionaries(values),
            "custom": st.fixed_dictionaries({}, optional=custom),
            "lists": st.fixed_dictionaries({}, optional={pk: moments(now, zone) for pk in lists}),
            "segments": st.sets(st.sampled_from(sorted(segments))) if segments else st.just(set()),
            "events": st.builds(list) if events is None else events,
        }
    )
    drawn = draw(st.lists(one, min_size=10 if many else 1, max_size=30 if many else 10))
    return [contact for contact in drawn if _is_new(contact, drawn)]


def _is_new(contact: dict[str, Any], others: Contacts) -> bool:
    """Whether no earlier one has its email or external id."""
    earlier = others[: next(place for place, other in enumerate(others) if other is contact)]
    return not any(
        contact["values"].get(key) is not None and contact["values"][key] == other["values"].get(key)
        for key in UNIQUE
        for other in earlier
    )


def declare_fields() -> None:
    """The custom fields of the worlds."""
    options = [{"value": option, "label": option.title()} for option in OPTIONS]
    ContactField.objects.bulk_create(
        ContactField(
            key=key,
            label=key.replace("_", " "),
            type=kind,
            options=options if kind in ("choice", "choices") else [],
            archived=key == "former",
        )
        for key, kind in CUSTOM_TYPES.items()
    )


def make_lists() -> list[int]:
    return [ContactList.objects.create(name=name).pk for name in ("News", "Offers")]


def write(drawn: Contacts) -> dict[int, dict[str, Any]]:
    """Write the contacts with their subscriptions, static memberships and events, and give them by id.

    What they were not drawn with is read back, so that the plain reading knows every field.
    """
    now = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
    rows = Contact.objects.bulk_create(Contact(**contact["values"], custom=contact["custom"]) for contact in drawn)
    by_id = {row.pk: contact for row, contact in zip(rows, drawn, strict=True)}
    for row in rows:
        by_id[row.pk]["values"] = {key: getattr(row, key) for key in SYSTEM_TYPES}
    ListMembership.objects.bulk_create(
        ListMembership(list_id=pk, contact_id=contact_id, subscribed_at=joined)
        for contact_id, contact in by_id.items()
        for pk, joined in contact["lists"].items()
    )
    event_worlds.write(by_id)
    moves = [(pk, one, str(Cause.HAND), "") for one, contact in by_id.items() for pk in contact["segments"]]
    if moves:
        sizes = {pk: (sum(move[0] == pk for move in moves), 0) for pk in {move[0] for move in moves}}
        with memberships_lock():
            write_memberships(moves_of(moves), moves_of([]), sizes, now=now)
    return by_id


def make_static_segments() -> list[int]:
    return [Segment.objects.create(name=name, kind=Segment.Kind.STATIC).pk for name in ("Friends", "Family")]
