"""What the change log holds, for tests to compare."""

from contacts.models import Change, Contact


def changes_of(contact: Contact | None = None) -> set[str]:
    """The keys in the change log of one contact, or of all."""
    changes = Change.objects.all() if contact is None else Change.objects.filter(contact_id=contact.pk)
    return set(changes.values_list("key", flat=True))
