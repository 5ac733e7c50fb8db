"""A cache in the database can be used as soon as the database is migrated."""

import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection


@pytest.mark.django_db
def test_migrating_makes_the_table_of_a_cache_in_the_database(settings):
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "some_cache"}}
    assert "some_cache" not in connection.introspection.table_names()
    for _again in range(2):
        call_command("migrate", verbosity=0)
    assert "some_cache" in connection.introspection.table_names()
    cache.set("sign-of-life", 1)
    assert cache.get("sign-of-life") == 1
