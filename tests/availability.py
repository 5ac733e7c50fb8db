"""What a test does when something outside of the project is missing on this machine."""

import os
from typing import NoReturn

import pytest


def unavailable(reason: str) -> NoReturn:
    """Skip the test and say why. In continuous integration (``CI=true``) nothing may be missing: fail."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
