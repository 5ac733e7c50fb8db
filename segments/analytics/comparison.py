"""The members of a segment compared with all contacts: how many, whether email reaches them, what they buy, and where
they are from.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any

from django.db.models import BooleanField, Count, ExpressionWrapper, FilteredRelation, Q, Sum
from django.utils.translation import gettext as _

from contacts import places
from contacts.models import Contact
from segments.analytics.shares import percent, ratio
from segments.models import Segment

LONGEST = 8  # places that are named; those after them are counted together

HAS_EMAIL = Q(email__isnull=False)
SUBSCRIBED = HAS_EMAIL & Q(newsletter=Contact.Newsletter.SUBSCRIBED)
REACHABLE = SUBSCRIBED & Q(email_status=Contact.EmailStatus.OK)


@dataclass(frozen=True)
class Figures:
    """Sums over some contacts. ``reachable`` have an email that works, and subscribed to the newsletter."""

    contacts: int = 0
    with_email: int = 0
    subscribed: int = 0
    reachable: int = 0
    buyers: int = 0
    returning: int = 0
    purchases: int = 0
    revenue: Decimal = Decimal()

    @property
    def never_bought(self) -> int:
        return self.contacts - self.buyers

    @property
    def bought_once(self) -> int:
        return self.buyers - self.returning

    @property
    def average_order(self) -> Decimal | None:
        return self.revenue / self.purchases if self.purchases else None

    @property
    def revenue_per_contact(self) -> Decimal | None:
        return self.revenue / self.contacts if self.contacts else None

    @property
    def purchases_per_contact(self) -> Decimal | None:
        return Decimal(self.purchases) / self.contacts if self.contacts else None


@dataclass(frozen=True)
class Share:
    """How many members, and how many of all contacts, are in one group; the shares are of either, in percent."""

    label: str
    inside: int
    everywhere: int
    inside_share: float | None
    everywhere_share: float | None

    @property
    def ratio(self) -> float | None:
        """How many times as common the group is among the members as among everybody."""
        return ratio(self.inside_share, self.everywhere_share)


@dataclass(frozen=True)
class Shares:
    """Groups of contacts that are shown together."""

    lines: list[Share]

    @property
    def longest(self) -> float:
        """The largest share of all, which the others are drawn in proportion to."""
        return max(
            (share or 0 for line in self.lines for share in (line.inside_share, line.everywhere_share)), default=0
        )


@dataclass(frozen=True)
class Amount:
    """A sum or an average over the members, and over all contacts. ``share`` is that of a sum in the sum of all, in
    percent; averages have the ``ratio`` of the two instead.
    """

    label: str
    inside: Decimal | int | None
    everywhere: Decimal | int | None
    places: int = 2
    is_sum: bool = False

    @property
    def share(self) -> float | None:
        return percent(self.inside, self.everywhere) if self.is_sum else None

    @property
    def ratio(self) -> float | None:
        return None if self.is_sum else ratio(self.inside, self.everywhere)


@dataclass(frozen=True)
class Comparison:
    """A segment beside everybody, its members included."""

    members: Figures
    everybody: Figures
    countries: Shares
    languages: Shares

    @property
    def share_of_base(self) -> float | None:
        return percent(self.members.contacts, self.everybody.contacts)

    @property
    def reach(self) -> Shares:
        """Each line counts some of those before it; the last are the reachable ones."""
        return self._shares(
            (_("With an email address"), "with_email"),
            (_("… who subscribed to the newsletter"), "subscribed"),
            (_("… and whose email works"), "reachable"),
        )

    @property
    def buyers(self) -> Shares:
        """Everybody is in one of the lines."""
        return self._shares(
            (_("No purchase"), "never_bought"),
            (_("First-time buyers"), "bought_once"),
            (_("Returning buyers"), "returning"),
        )

    @property
    def amounts(self) -> list[Amount]:
        return [
            self._amount(_("Purchases"), "purchases", places=0, is_sum=True),
            self._amount(_("Revenue"), "revenue", is_sum=True),
            self._amount(_("Average order"), "average_order"),
            self._amount(_("Revenue per contact"), "revenue_per_contact"),
            self._amount(_("Purchases per contact"), "purchases_per_contact"),
        ]

    def _shares(self, *groups: tuple[str, str]) -> Shares:
        members, everybody = self.members, self.everybody
        return Shares(
            [
                _share(label, getattr(members, name), getattr(everybody, name), members, everybody)
                for label, name in groups
            ]
        )

    def _amount(self, label: str, name: str, *, places: int = 2, is_sum: bool = False) -> Amount:
        return Amount(label, getattr(self.members, name), getattr(self.everybody, name), places, is_sum)


Row = dict[str, Any]


def compare(segment: Segment) -> Comparison:
    """All figures from one pass over the contacts: one query, with a row for each country with a language."""
    rows = list(_rows(segment))
    members, everybody = _figures(row for row in rows if row["is_member"]), _figures(rows)
    return Comparison(
        members,
        everybody,
        _places(rows, "country", dict(places.countries()), members, everybody),
        _places(rows, "language", dict(places.languages()), members, everybody),
    )


def _rows(segment: Segment) -> Iterable[Row]:
    own = FilteredRelation("memberships", condition=Q(memberships__segment=segment))
    is_member = ExpressionWrapper(Q(own__contact__isnull=False), output_field=BooleanField())
    return (
        Contact.objects.annotate(own=own)
        .order_by()
        .values("country", "language", is_member=is_member)
        .annotate(
            contacts=Count("pk"),
            with_email=Count("pk", filter=HAS_EMAIL),
            subscribed=Count("pk", filter=SUBSCRIBED),
            reachable=Count("pk", filter=REACHABLE),
            buyers=Count("pk", filter=Q(purchases_count__gte=1)),
            returning=Count("pk", filter=Q(purchases_count__gte=2)),
            purchases=Sum("purchases_count"),
            revenue=Sum("purchases_total"),
        )
    )


def _figures(rows: Iterable[Row]) -> Figures:
    sums: dict[str, Any] = {field.name: field.default for field in fields(Figures)}
    for row in rows:
        for name in sums:
            sums[name] += row[name]
    # SQLite adds floating-point numbers, which leaves a rest far behind the point.
    return Figures(**sums | {"revenue": round(sums["revenue"], 4)})


def _places(rows: list[Row], column: str, names: dict[str, str], members: Figures, everybody: Figures) -> Shares:
    """The places of most members, then all others together, then those without one; empty if no member has one."""
    counts: dict[str, tuple[int, int]] = {}
    for row in rows:
        inside, everywhere = counts.get(row[column], (0, 0))
        counts[row[column]] = inside + row["contacts"] * row["is_member"], everywhere + row["contacts"]
    unknown = counts.pop("", (0, 0))
    common = sorted(counts, key=lambda code: (-counts[code][0], -counts[code][1], code))
    named = [code for code in common if counts[code][0]][:LONGEST]
    rest = [counts[code] for code in common if code not in named]
    others = sum(inside for inside, _all in rest), sum(everywhere for _inside, everywhere in rest)
    lines = [*((names.get(code, code), counts[code]) for code in named), (_("All others"), others)]
    lines.append((_("Not known"), unknown))
    return Shares([_share(label, *count, members, everybody) for label, count in lines if named and any(count)])


def _share(label: str, inside: int, everywhere: int, members: Figures, everybody: Figures) -> Share:
    return Share(label, inside, everywhere, percent(inside, members.contacts), percent(everywhere, everybody.contacts))
