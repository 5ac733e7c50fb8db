"""What the tests of the segment engine share."""

import os

from hypothesis import HealthCheck, settings

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
