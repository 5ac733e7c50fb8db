"""Dates, times and shares are written in one way on all pages."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.conf import settings
from django.template import Context, Template

NAMED = {"c", "DATE_FORMAT", "TIME_FORMAT", "DATETIME_FORMAT", "YEAR_MONTH_FORMAT", "MONTH_DAY_FORMAT"}


def written(template: str, value: object) -> str:
    return Template(template).render(Context({"value": value}))


def test_templates_name_their_formats():
    pages = Path(settings.BASE_DIR, "templates").rglob("*.html")
    used = {found for page in pages for found in re.findall(r'\|(?:date|time):"([^"]*)"', page.read_text())}
    assert used <= NAMED
    assert len(used) > 3


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ('{{ value|date:"DATE_FORMAT" }}', "1 Nov 2026"),
        ('{{ value|date:"SHORT_DATE_FORMAT" }}', "1 Nov 2026"),
        ('{{ value|date:"DATETIME_FORMAT" }}', "1 Nov 2026, 20:05"),
        ('{{ value|date:"SHORT_DATETIME_FORMAT" }}', "1 Nov 2026, 20:05"),
        ("{{ value }}", "1 Nov 2026, 20:05"),
        ("{{ value|date }}", "1 Nov 2026"),
        ("{{ value|time }}", "20:05"),
        ('{{ value|date:"MONTH_DAY_FORMAT" }}', "1 Nov"),
        ('{{ value|date:"YEAR_MONTH_FORMAT" }}', "Nov 2026"),
    ],
)
def test_dates_and_times(template: str, text: str):
    assert written(template, datetime(2026, 11, 1, 20, 5, tzinfo=UTC)) == text


@pytest.mark.parametrize(("share", "text"), [(0, "0%"), (45, "45%"), (40.0, "40%"), (100 / 3, "33.3%"), (100, "100%")])
def test_shares(share: float, text: str):
    assert written("{% load percentages %}{{ value|percent }}", share) == text
