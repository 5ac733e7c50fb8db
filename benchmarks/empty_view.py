"""Muster's settings, with one address more (`benchmarks.empty_view_urls`)."""

from crm.settings import *  # noqa: F403 - the same settings

ROOT_URLCONF = "benchmarks.empty_view_urls"
