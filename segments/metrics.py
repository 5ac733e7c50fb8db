"""What is measured of a contact's events, to be compared with an operator.

A metric turns events into one row for each contact who has any, annotated with ``metric``. Amounts count to four places
after the point, as events keep them, and exactly on every database.
"""

from __future__ import annotations

from typing import Any

from django.db.models import (
    Aggregate,
    Count,
    DecimalField,
    F,
    Max,
    Min,
    QuerySet,
    Value,
    Window,
)
from django.db.models.expressions import Col, Combinable
from django.db.models.functions import FirstValue, NullIf, RowNumber, TruncDate
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from contacts.fields import Field
from contacts.models import Event
from contacts.typed_json import HasJSON, JSONValue
from contacts.types import FIELD_TYPES
from crm.registry import Registry
from segments.properties import TYPES, VALUE, Property

AMOUNT: DecimalField[Any, Any] = DecimalField(max_digits=30, decimal_places=4)

# SQLite computes in floating point. Whole numbers of the fourth place are exact, and so is one division of them. They
# are not summed as integers, because a shop's number may be too large for one, and that would be an error. The factor
# is the next number above 10,000: as most numbers cannot be written in binary, 10,000 times 0.00015 is less than 1.5.
SQLITE_SUM = "SUM(ROUND(%(expressions)s * 10000.000000000002))"
SQLITE_AVERAGE = (
    f"(CASE WHEN {SQLITE_SUM} < 0 THEN -1 ELSE 1 END)"
    f" * ((2 * CAST(ABS({SQLITE_SUM}) AS INTEGER) + COUNT(%(expressions)s)) / (2 * COUNT(%(expressions)s))) / 10000.0"
)


class ExactSum(Aggregate):
    template = "SUM(ROUND(%(expressions)s, 4))"
    column_template = "SUM(%(expressions)s)"
    sqlite_template = f"{SQLITE_SUM} / 10000.0"

    def as_postgresql(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        # The event's own value has four places as it is.
        is_column = isinstance(self.source_expressions[0], Col)
        return self.as_sql(compiler, connection, template=self.column_template if is_column else self.template)

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        # The expressions are columns and keys of JSON, which bring no parameters that would have to be repeated.
        return super().as_sql(compiler, connection, template=self.sqlite_template, **extra)


class ExactAverage(ExactSum):
    template = "ROUND(AVG(ROUND(%(expressions)s, 4)), 4)"
    column_template = "ROUND(AVG(%(expressions)s), 4)"
    sqlite_template = SQLITE_AVERAGE


class LocalDay(TruncDate):
    """The day of a moment in the account's time zone."""

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        if self.get_tzname() != "UTC":
            return super().as_sql(compiler, connection)
        # Moments are texts in UTC that begin with the day, and reading it takes no call of Python for every row.
        column, params = compiler.compile(self.lhs)
        return f"substr({column}, 1, 10)", params


class Metric:
    """One way to measure the events of a contact.

    ``takes`` lists the families of types that its property can have; a metric without any takes no property. A contact
    without such events has 0 if ``is_zero_without``, else no value. ``phrase`` has the places ``%(events)s`` and
    ``%(property)s``.
    """

    key: str
    label: Any
    phrase: Any
    takes: tuple[str, ...] = ()
    family: str | None = "number"  # of the metric itself; None for that of its property
    is_zero_without = False

    def expression(self, read: Property | None) -> Combinable:
        raise NotImplementedError

    def measured(self, events: QuerySet[Event], read: Property | None) -> QuerySet[Any, Any]:
        """The contacts' ids, each annotated with ``metric``. A filter on it must come before anything else."""
        return events.values("contact_id").annotate(metric=self.expression(read))

    def of_one(self, events: QuerySet[Event], read: Property | None) -> QuerySet[Any, Any]:
        """The metric alone, of events that are all of one contact; no row when there are none."""
        return self.measured(events, read).values("metric")

    def field(self, family: str, label: Any) -> Field:
        """The metric as a field that operators compare; ``family`` is that of the property's type."""
        kind = TYPES[self.family or family] if self.takes else FIELD_TYPES["integer"]
        return Field(key="metric", label=label, type=kind, column="metric", always_set=self.is_zero_without)


METRICS: Registry[Metric] = Registry("metric")


@METRICS.register
class NumberOfTimes(Metric):
    key = "count"
    label = _("number of times")
    phrase = _("the number of %(events)s")
    is_zero_without = True

    def expression(self, read: Property | None) -> Combinable:
        return Count("*")


@METRICS.register
class NumberOfDays(Metric):
    key = "days"
    label = _("number of different days")
    phrase = _("the number of days with %(events)s")
    is_zero_without = True

    def expression(self, read: Property | None) -> Combinable:
        return Count(LocalDay("occurred_at", tzinfo=timezone.get_default_timezone()), distinct=True)


class NumberMetric(Metric):
    takes = ("number",)
    aggregate: Any

    def expression(self, read: Property | None) -> Combinable:
        assert read
        aggregate: Combinable = self.aggregate(read.expression(), output_field=AMOUNT)
        return aggregate


@METRICS.register
class Total(NumberMetric):
    key = "sum"
    label = _("sum")
    phrase = _("the sum of %(property)s of %(events)s")
    aggregate = ExactSum


@METRICS.register
class Average(NumberMetric):
    key = "average"
    label = _("average")
    phrase = _("the average %(property)s of %(events)s")
    aggregate = ExactAverage


@METRICS.register
class Smallest(NumberMetric):
    key = "minimum"
    label = _("smallest")
    phrase = _("the smallest %(property)s of %(events)s")
    aggregate = Min


@METRICS.register
class Largest(NumberMetric):
    key = "maximum"
    label = _("largest")
    phrase = _("the largest %(property)s of %(events)s")
    aggregate = Max


class AtAnEnd(Metric):
    """The property of one event, the first or the last; of several at one moment, the one written first or last."""

    takes = ("text", "number", "boolean")
    family = None
    order: list[Any]

    def expression(self, read: Property | None) -> Combinable:
        assert read
        expression = read.expression()
        return NullIf(expression, Value(False)) if isinstance(expression, HasJSON) else expression

    def of_one(self, events: QuerySet[Event], read: Property | None) -> QuerySet[Any, Any]:
        return events.order_by(*self.order).annotate(metric=self.expression(read)).values("metric")[:1]

    def measured(self, events: QuerySet[Event], read: Property | None) -> QuerySet[Any, Any]:
        assert read
        # Both are windows, so that a filter on the metric looks at the one row only, and does not choose which it is.
        window: dict[str, Any] = {"partition_by": F("contact_id"), "order_by": self.order}
        return (
            events.annotate(
                metric=Window(FirstValue(self.expression(read)), output_field=read.output_field, **window),
                place=Window(RowNumber(), **window),
            )
            .filter(place=1)
            .values("contact_id")
        )


@METRICS.register
class First(AtAnEnd):
    key = "first"
    label = _("first")
    phrase = _("the first %(property)s of %(events)s")
    order = ["occurred_at", "id"]


@METRICS.register
class Last(AtAnEnd):
    key = "last"
    label = _("last")
    phrase = _("the last %(property)s of %(events)s")
    order = ["-occurred_at", "-id"]


@METRICS.register
class Different(Metric):
    key = "distinct"
    label = _("number of different values")
    phrase = _("the number of different values of %(property)s of %(events)s")
    takes = ("any",)
    family = "number"

    def expression(self, read: Property | None) -> Combinable:
        assert read
        value = F("value") if read.key == VALUE else JSONValue("properties", key=read.key)
        return Count(value, distinct=True)
