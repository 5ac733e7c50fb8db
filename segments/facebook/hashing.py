"""What Facebook is told about a contact: each value brought into one form and hashed with SHA-256.

The rules are those of "Customer File Custom Audiences" in the documentation of the Marketing API,
https://developers.facebook.com/docs/marketing-api/audiences/guides/custom-audiences, section "Hash and normalize data":

- ``EMAIL``: without white space around it, in lower case.
- ``PHONE``: digits alone, with the code of the country, without zeros before it.
- ``FN``, ``LN``: in lower case, without punctuation; letters beyond a to z in UTF-8.
- ``CT``: in lower case, without punctuation, special characters and white space.
- ``COUNTRY``: the two letters of ISO 3166-1, in lower case.
- ``DOBY``, ``DOBM``, ``DOBD``: the year from 1900 on, the month 01 to 12, the day 01 to 31.
- ``EXTERN_ID``: as it is, and not hashed.

Facebook's own SDK takes spaces out of names too, and so does this. A value that is missing stays empty.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

from contacts.models import Contact

FIRST_YEAR = 1900
COLUMNS = (
    "email",
    "phone",
    "first_name",
    "last_name",
    "city",
    "country",
    "date_of_birth",
    "external_id",
    "updated_at",
)
"""The columns of contacts that are read for this."""


@dataclass(frozen=True)
class Key:
    """One thing that Facebook finds people by: its ``name`` there, and how a contact's value is brought into form."""

    name: str
    normalised: Callable[[Contact], str]
    is_hashed: bool = True

    def of(self, contact: Contact) -> str:
        """What is sent for the contact: empty if there is no value."""
        value = self.normalised(contact)
        return hashed(value) if value and self.is_hashed else value


def hashed(value: str) -> str:
    """The SHA-256 of a text in UTF-8, in hexadecimal digits."""
    return sha256(value.encode()).hexdigest()


def email(text: str | None) -> str:
    return (text or "").strip().lower()


def phone(text: str) -> str:
    """Empty for a number that is not in international form: without the code of its country it is somebody else's."""
    text = text.strip()
    digits = "".join(character for character in text if character in "0123456789")
    return digits.lstrip("0") if text.startswith("+") else ""


def name(text: str) -> str:
    """The letters alone, of any script, with their accents, in lower case."""
    letters = (one for one in unicodedata.normalize("NFC", text).lower() if unicodedata.category(one)[0] in "LM")
    return unicodedata.normalize("NFC", "".join(letters))


def country(code: str) -> str:
    return code.strip().lower()


def year_of_birth(contact: Contact) -> str:
    born = contact.date_of_birth
    return f"{born.year:04}" if born and born.year >= FIRST_YEAR else ""


def month_of_birth(contact: Contact) -> str:
    return f"{contact.date_of_birth.month:02}" if contact.date_of_birth and year_of_birth(contact) else ""


def day_of_birth(contact: Contact) -> str:
    return f"{contact.date_of_birth.day:02}" if contact.date_of_birth and year_of_birth(contact) else ""


def external_id(contact: Contact) -> str:
    return (contact.external_id or "").strip()


EXTERN_ID = Key("EXTERN_ID", external_id, is_hashed=False)
EMAIL = Key("EMAIL", lambda contact: email(contact.email))
PHONE = Key("PHONE", lambda contact: phone(contact.phone))
_COMMON = (
    EMAIL,
    PHONE,
    Key("FN", lambda contact: name(contact.first_name)),
    Key("LN", lambda contact: name(contact.last_name)),
    Key("CT", lambda contact: name(contact.city)),
    Key("COUNTRY", lambda contact: country(contact.country)),
)
YEAR = Key("DOBY", year_of_birth)

SENT = (
    EXTERN_ID,
    *_COMMON,
    YEAR,
    Key("DOBM", month_of_birth),
    Key("DOBD", day_of_birth),
)
"""What is sent, in the order of the schema."""

REMOVED_BY = (EXTERN_ID, EMAIL, PHONE)
"""What somebody is removed by: each of these names one person alone."""

IN_FILE = (
    *_COMMON,
    Key("DOB", lambda contact: year_of_birth(contact) + month_of_birth(contact) + day_of_birth(contact)),
    YEAR,
    EXTERN_ID,
)
"""What a file has, whose upload knows the date of birth as a whole, as YYYYMMDD, and the year."""


def row(contact: Contact, keys: tuple[Key, ...] = SENT) -> list[str]:
    """What is sent, or put into a file, for a contact."""
    return [key.of(contact) for key in keys]


def fingerprint(sent: list[str]) -> str:
    """Tells one row from another without holding what is in it."""
    return hashed("\n".join(sent))[:32]
