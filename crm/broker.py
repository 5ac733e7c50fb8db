"""The queue of background tasks in the database."""

from django_q.brokers.orm import ORM

# A worker gives a sign of life every second, but not while it waits for SQLite's write lock (20 seconds at most,
# see the settings): only a longer silence means that it is gone.
SECONDS_OF_SILENCE = 30


class DatabaseBroker(ORM):
    """django-q2's queue in the database, patient with a busy worker."""

    def set_stat(self, key: str, value: str, timeout: int) -> None:
        super().set_stat(key, value, SECONDS_OF_SILENCE)
