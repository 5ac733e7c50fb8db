"""What tests of every area use: a fixed moment, one user of each role, and browsers logged in as them."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import hypothesis
import pytest
from django.conf import settings
from django.contrib.auth.models import Group, Permission
from django.core.cache import cache
from django.db import connection
from django.db.models import Value
from django.db.models.functions import Concat
from django.test import Client

from crm.models import User
from crm.roles import ROLES
from segments import statements
from tests.availability import unavailable
from workflows.engine import frozen

# The strength of password hashes is Django's to test; a weak one makes signing in quick.
settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
PASSWORD = "correct horse battery staple"

# Quick examples are the same in every run and on every database, so that a database that finds other members than the
# plain reading, and so than the other database, fails. `HYPOTHESIS_PROFILE=deep` draws many new ones.
COMMON = {
    "deadline": None,
    "print_blob": True,
    "suppress_health_check": [
        hypothesis.HealthCheck.function_scoped_fixture,
        hypothesis.HealthCheck.too_slow,
        hypothesis.HealthCheck.data_too_large,
    ],
}
hypothesis.settings.register_profile("quick", derandomize=True, database=None, **COMMON)
hypothesis.settings.register_profile("deep", derandomize=False, **COMMON)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """SQLite tests use a file, as Muster does: threads and processes then have connections and locks of their own."""
    if connection.vendor == "sqlite":
        folder: Path = tmp_path_factory.mktemp("database")
        connection.settings_dict["TEST"]["NAME"] = str(folder / "muster.sqlite3")


@pytest.fixture(autouse=True)
def nothing_is_kept() -> None:
    """Ids begin anew with every test that is rolled back: what was kept for an id (the SQL of a segment, the graph of a
    workflow, the requests that an API key made) must not outlive its test.
    """
    statements._kept.clear()
    frozen.forget()
    cache.clear()


@pytest.fixture
def now() -> datetime:
    """The moment at which tests happen."""
    return datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def cdnow() -> Path:
    """The folder of the CDNOW purchase data (customers.csv and purchases.csv), real input for imports and segments."""
    folder = Path(os.environ.get("MUSTER_CDNOW", ""))
    if not (folder / "purchases.csv").is_file():
        unavailable("MUSTER_CDNOW does not name the folder with the CDNOW files customers.csv and purchases.csv.")
    return folder


@pytest.fixture
def user_with_role(db: None) -> Callable[[str], User]:
    """Make a user named after a role: ``user_with_role("marketer")``. Their password is `PASSWORD`."""

    def make(role: str) -> User:
        user = User.objects.create_user(role, f"{role}@example.com", PASSWORD)
        user.groups.add(_group(role))
        return user

    return make


def _group(role: str) -> Group:
    """The role's group. Migrations make it, but a test with real transactions empties every table behind it."""
    group, _created = Group.objects.get_or_create(name=role)
    permissions = Permission.objects.annotate(name_in_full=Concat("content_type__app_label", Value("."), "codename"))
    group.permissions.set(permissions.filter(name_in_full__in=ROLES[role]))
    return group


@pytest.fixture
def roles(db: None) -> None:
    """The groups of all roles, whatever the test before left."""
    for role in ROLES:
        _group(role)


@pytest.fixture
def viewer(user_with_role: Callable[[str], User]) -> User:
    return user_with_role("viewer")


@pytest.fixture
def marketer(user_with_role: Callable[[str], User]) -> User:
    return user_with_role("marketer")


@pytest.fixture
def administrator(user_with_role: Callable[[str], User]) -> User:
    return user_with_role("administrator")


@pytest.fixture
def superuser(db: None) -> User:
    return User.objects.create_superuser("superuser", "superuser@example.com", PASSWORD)


def logged_in(user: User) -> Client:
    """A client of this user. Plain function, so that a test can have several at once."""
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def viewer_client(viewer: User) -> Client:
    return logged_in(viewer)


@pytest.fixture
def marketer_client(marketer: User) -> Client:
    return logged_in(marketer)


@pytest.fixture
def administrator_client(administrator: User) -> Client:
    return logged_in(administrator)


@pytest.fixture
def superuser_client(superuser: User) -> Client:
    return logged_in(superuser)
