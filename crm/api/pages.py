"""Pages of what the API lists, in the order of ids: each begins after the one before it, so that none costs more."""

from typing import Any

from django.db.models import Model, QuerySet
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from crm.api.bodies import Body

LARGEST_PAGE = 1_000


class PageQuery(Body):
    """Which page a request asks for."""

    cursor = serializers.RegexField(
        r"^[1-9]\d{0,17}$",
        required=False,
        help_text=_("`next` of the page before; without it the first page."),
        error_messages={"invalid": _("There is no such page.")},
    )
    limit = serializers.IntegerField(
        min_value=1, max_value=LARGEST_PAGE, default=100, help_text=_("How many there are on a page.")
    )


def page_of(rows: QuerySet[Any], query: dict[str, Any], *, key: str = "id") -> tuple[list[Any], str | None]:
    """The rows of a page, and the cursor of the next, None after the last. ``key`` is the column with the id."""
    limit: int = query["limit"]
    if "cursor" in query:
        rows = rows.filter(**{f"{key}__gt": int(query["cursor"])})
    found: list[Model] = list(rows.order_by(key)[: limit + 1])
    following = str(getattr(found[limit - 1], key)) if len(found) > limit else None
    return found[:limit], following


def page_shape(name: str, row: Any) -> Any:
    """The form of a page of rows, for the schema."""
    entries = {
        "results": row,
        "next": serializers.CharField(allow_null=True, help_text=_("The `cursor` that follows.")),
    }
    return type(f"PageOf{name}", (serializers.Serializer,), entries)
