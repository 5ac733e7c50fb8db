"""A pytest plugin: which database the tests run on, and an environment that is the same on every machine.

Loaded before Django reads its settings, see ``addopts`` in pyproject.toml.
"""

import os
from collections.abc import Generator
from contextlib import ExitStack
from tempfile import TemporaryDirectory

import pytest

from tests.postgres_server import Unavailable, postgres_server

DATABASES = ("sqlite", "postgresql")
SETTINGS = {
    "MUSTER_MODE": "development",
    "ENV_FILE": os.devnull,
    "CACHE_URL": "locmemcache://",
    "LOG_LEVEL": "WARNING",
    "TIME_ZONE": "UTC",
    "LANGUAGE_CODE": "en",
}
# What else a shell may have set: the settings' own defaults are tested.
UNSET = (
    *("SECRET_KEY", "SECRET_KEY_FALLBACKS", "DEBUG", "ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS", "HTTPS", "BEHIND_PROXY"),
    *("REDIS_URL", "EMAIL_URL", "DEFAULT_FROM_EMAIL", "PHONE_REGION", "LOG_FORMAT", "MUSTER_WORKERS"),
    *("EXPORT_KEEP_DAYS", "IMPORT_MAX_MEGABYTES", "IMPORT_BATCH", "IMPORT_FILES_DAYS", "ADMIN_FILE_ROWS"),
    *("API_REQUESTS_PER_MINUTE", "PREVIEW_EXACT_UP_TO", "PREVIEW_SAMPLE", "PREVIEW_SECONDS"),
)

server = ExitStack()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--db", choices=DATABASES, default="sqlite", help="the database to test on; a PostgreSQL server is started"
    )


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(parser: pytest.Parser, args: list[str]) -> Generator[None, None, None]:
    for name in UNSET:
        os.environ.pop(name, None)
    os.environ.update(SETTINGS)
    started_by_controller = "PYTEST_XDIST_WORKER" in os.environ
    if not started_by_controller:
        os.environ["DATABASE_URL"] = _database_url(parser.parse_known_args(args).db)
        os.environ["FILES_DIR"] = server.enter_context(TemporaryDirectory(prefix="muster-files-"))
    return (yield)


def _database_url(db: str) -> str:
    if db == "sqlite":
        return "sqlite://:memory:"
    try:
        # Tests take their rows back. What is then gathered about tables says that they are empty, and the next test
        # with many rows in one transaction is planned for one row: minutes become hours.
        return server.enter_context(postgres_server(autovacuum="off"))
    except Unavailable as reason:
        raise pytest.UsageError(f"The tests cannot run on PostgreSQL: {reason}") from reason


def pytest_unconfigure() -> None:
    server.close()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On PostgreSQL leave out what says nothing about it: tests of pages in a browser, unless they ask for it,
    and tests that do not use the database.
    """
    if config.getoption("db") == "sqlite":
        return
    left_out = [item for item in items if _only_on_sqlite(item)]
    items[:] = [item for item in items if not _only_on_sqlite(item)]
    config.hook.pytest_deselected(items=left_out)


def _only_on_sqlite(item: pytest.Item) -> bool:
    browser_test = item.get_closest_marker("e2e") and not item.get_closest_marker("every_database")
    return bool(browser_test or item.get_closest_marker("once"))
