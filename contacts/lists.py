"""Contact lists: who subscribes, who unsubscribes, and the lists themselves."""

from datetime import datetime

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from contacts import changes
from contacts.models import Contact, ContactList, ListMembership


def with_sizes(lists: QuerySet[ContactList]) -> QuerySet[ContactList]:
    """Each list with ``size``: how many contacts subscribe to it."""
    subscribed = ListMembership.objects.current().filter(list=OuterRef("pk")).order_by().values("list")
    sizes = subscribed.annotate(number=Count("pk")).values("number")
    return lists.annotate(size=Coalesce(Subquery(sizes), 0))


def subscribe(contact_list: ContactList, contacts: QuerySet[Contact], *, now: datetime) -> int:
    """Subscribe the contacts to the list; returns how many were not subscribed before.

    Somebody who had unsubscribed is subscribed anew, from ``now`` on.
    """
    try:
        chosen, params = contacts.order_by("pk").values("id").query.sql_with_params()
    except EmptyResultSet:
        return 0
    at = "%s::timestamptz" if connection.vendor == "postgresql" else "%s"
    moment = ListMembership._meta.get_field("subscribed_at").get_db_prep_value(now, connection)
    with changes.recorded(now=now), connection.cursor() as cursor:
        # WHERE true: without it SQLite would read ON CONFLICT as the condition of a join.
        cursor.execute(
            "INSERT INTO contacts_listmembership (list_id, contact_id, subscribed_at, unsubscribed_at)"
            f" SELECT %s, chosen.id, {at}, NULL FROM ({chosen}) chosen WHERE true"
            " ON CONFLICT (list_id, contact_id) DO UPDATE"
            " SET subscribed_at = excluded.subscribed_at, unsubscribed_at = NULL"
            " WHERE contacts_listmembership.unsubscribed_at IS NOT NULL",
            [contact_list.pk, moment, *params],
        )
        return cursor.rowcount


def unsubscribe(contact_list: ContactList, contacts: QuerySet[Contact], *, now: datetime) -> int:
    """Unsubscribe the contacts from the list; returns how many had been subscribed.

    The subscription stays on record, with the time of its end.
    """
    with changes.recorded(now=now):
        current = ListMembership.objects.current().filter(list=contact_list)
        return current.filter(contact__in=contacts.order_by().values("pk")).update(unsubscribed_at=now)


def delete_list(contact_list: ContactList, *, now: datetime) -> None:
    """Delete the list and its subscriptions. The contacts stay."""
    with changes.recorded(now=now):
        ListMembership.objects.filter(list=contact_list).delete()
        contact_list.delete()
