"""What the administrators' pages of all models have in common: large tables, and records that nobody edits."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from django.contrib.admin import ShowFacets
from django.contrib.admin.utils import quote
from django.core.paginator import Paginator
from django.db.models import CASCADE, ManyToOneRel, Model, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import RangeDateFilter
from unfold.utils import parse_date_str
from unfold.views import ChangeList


class BoundedPaginator(Paginator):
    """Pages of a table of any size: it counts, and leafs, only through the first `LARGEST_COUNT` rows."""

    template_name = "admin/bounded_pagination.html"
    LARGEST_COUNT = 10_000

    @cached_property
    def _found(self) -> int:
        rows: QuerySet[Model] = self.object_list  # type: ignore[assignment]
        return rows.order_by().values("pk")[: self.LARGEST_COUNT + 1].count()

    @cached_property
    def count(self) -> int:
        return min(self._found, self.LARGEST_COUNT)

    @property
    def has_more(self) -> bool:
        """Whether there are rows beyond the last page."""
        return self._found > self.LARGEST_COUNT


class TableList(ChangeList):
    """The list of a large table."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        # Else the theme would repeat the number of results beside the title, and call the bound the number of all.
        self.full_result_count = self.result_count

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Model]) -> list[Any]:
        """Rows of equal value follow in the direction of their column, so that an index on column and id serves."""
        ordering: list[Any] = super().get_ordering(request, queryset)
        first = ordering[0]
        if ordering[1:] == ["-pk"] and isinstance(first, str) and not first.startswith("-"):
            return [first, "pk"]
        return ordering


class DaysFilter(RangeDateFilter):
    """From one day to another in the account's time zone, both whole."""

    def queryset(self, request: HttpRequest, rows: QuerySet[Model]) -> QuerySet[Model]:
        first, last = self._day("from"), self._day("to")
        if first:
            rows = rows.filter(**{f"{self.parameter_name}__gte": _start_of(first)})
        if last:
            rows = rows.filter(**{f"{self.parameter_name}__lt": _start_of(last + timedelta(days=1))})
        return rows

    def _day(self, end: str) -> date | None:
        found: date | None = parse_date_str(self.used_parameters.get(f"{self.parameter_name}_{end}", ""))
        return found


def _start_of(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


class TableAdmin(ModelAdmin):
    """The pages of a model. They cost the same for ten rows and for a million."""

    paginator: type = BoundedPaginator
    show_full_result_count = False
    show_facets = ShowFacets.NEVER
    list_per_page = 50
    list_max_show_all = 200
    list_filter_submit = True
    list_disable_select_all = True
    warn_unsaved_form = True

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return TableList

    def get_deleted_objects(
        self, objs: Sequence[Any] | QuerySet[Any], request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[str], list[str]]:
        """What the page that asks for confirmation says. What goes with the objects is counted and not listed."""
        refused = {str(self.opts.verbose_name) for obj in objs if not self.has_delete_permission(request, obj)}
        return [self._link(obj) for obj in objs], self._counts(objs), refused, []

    def _link(self, obj: Model) -> SafeString:
        url = reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[quote(obj.pk)])
        return format_html('{}: <a href="{}">{}</a>', capfirst(self.opts.verbose_name), url, obj)

    def _counts(self, objs: Sequence[Any] | QuerySet[Any]) -> dict[str, int]:
        ids = [obj.pk for obj in objs]
        counts = Counter({str(self.opts.verbose_name_plural): len(ids)})
        for relation in self.opts.get_fields(include_hidden=True):
            if not isinstance(relation, ManyToOneRel) or relation.on_delete is not CASCADE:
                continue
            owner: Any = relation.related_model
            if owner._meta.auto_created:  # pairs of a many-to-many field
                continue
            going = owner._default_manager.filter(**{f"{relation.field.name}__in": ids}).count()
            if going:
                counts[str(owner._meta.verbose_name_plural)] += going
        return dict(counts)


class RecordAdmin(TableAdmin):
    """The pages of records that are written by Muster alone: to be searched and read."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False
