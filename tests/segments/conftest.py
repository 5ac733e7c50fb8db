"""What the tests of segments share."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.segments.facebook_server import VERSION, Facebook, serving


@pytest.fixture
def facebook(settings: Any) -> Iterator[Facebook]:
    """Facebook, as Muster reaches it in this test."""
    with serving() as facebook:
        settings.FACEBOOK_GRAPH_URL = facebook.url
        settings.FACEBOOK_GRAPH_VERSION = VERSION
        yield facebook
