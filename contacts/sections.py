"""The fields of a contact under the headings of its form and its profile."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from contacts.fields import CUSTOM, Catalogue, Field


@dataclass(frozen=True)
class Section:
    heading: str | Promise
    fields: list[Field]


HEADINGS: list[tuple[Promise, tuple[str, ...]]] = [
    (
        _("Person"),
        ("email", "phone", "first_name", "last_name", "external_id", "date_of_birth", "gender", "language"),
    ),
    (_("Address"), ("country", "region", "city", "postal_code", "time_zone")),
    (_("Marketing"), ("newsletter", "newsletter_at", "email_status", "points")),
    (
        _("Purchases"),
        ("purchases_count", "purchases_total", "purchases_average", "first_purchase_at", "last_purchase_at"),
    ),
    (_("Dates"), ("created_at", "updated_at", "first_seen_at", "last_seen_at")),
]


def system_sections(catalogue: Catalogue) -> list[Section]:
    """All system fields."""
    return [Section(heading, [catalogue[key] for key in keys]) for heading, keys in HEADINGS]


def custom_fields(catalogue: Catalogue) -> list[Field]:
    """The custom fields in use."""
    return [field for field in catalogue.fields() if field.is_custom]


def form_sections(catalogue: Catalogue) -> list[Section]:
    """The fields that people fill in. When somebody subscribed to the newsletter follows from that they did."""
    editable = set(catalogue.editable()) - {catalogue["newsletter_at"]}
    sections = [*system_sections(catalogue), Section(CUSTOM, custom_fields(catalogue))]
    kept = [Section(one.heading, [field for field in one.fields if field in editable]) for one in sections]
    return [section for section in kept if section.fields]
