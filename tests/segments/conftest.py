"""What the tests of segments share."""

import os
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.segments.facebook_server import VERSION, Facebook, serving

# Quick examples are the same in every run and on every database, so that a database that finds other members than the
# plain reading, and so than the other database, fails. `HYPOTHESIS_PROFILE=deep` draws many new ones.
COMMON = {
    "deadline": None,
    "print_blob": True,
    "suppress_health_check": [
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
}
settings.register_profile("quick", derandomize=True, database=None, **COMMON)
settings.register_profile("deep", derandomize=False, **COMMON)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


@pytest.fixture
def facebook(settings: Any) -> Iterator[Facebook]:
    """Facebook, as Muster reaches it in this test."""
    with serving() as facebook:
        settings.FACEBOOK_GRAPH_URL = facebook.url
        settings.FACEBOOK_GRAPH_VERSION = VERSION
        yield facebook
