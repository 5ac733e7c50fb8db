"""/healthz tells the truth about the database, its schema and the worker."""

from uuid import uuid4

import pytest
from django.db import OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder
from django_q.brokers import get_broker
from django_q.conf import Conf
from django_q.signing import SignedPackage
from django_q.status import Status

pytestmark = pytest.mark.django_db


def worker_says(status: str) -> None:
    worker = Status(pid=1, cluster_id=uuid4())
    worker.status = status
    get_broker().set_stat(f"{Conf.Q_STAT}:{worker.cluster_id}", SignedPackage.dumps(worker, True), 3)


def test_all_is_well(client):
    worker_says(str(Conf.IDLE))
    response = client.get("/healthz")
    assert response.status_code == 200
    assert response.json() == {"healthy": True, "database": True, "migrations": True, "worker": True}
    assert response["Cache-Control"] == "max-age=0, no-cache, no-store, must-revalidate, private"


def test_no_worker(client):
    response = client.get("/healthz")
    assert response.status_code == 503
    assert response.json() == {"healthy": False, "database": True, "migrations": True, "worker": False}


def test_a_worker_that_has_stopped_is_no_worker(client):
    worker_says(str(Conf.STOPPED))
    assert client.get("/healthz").json()["worker"] is False


def test_a_migration_that_has_not_run(client):
    worker_says(str(Conf.IDLE))
    MigrationRecorder(connection).migration_qs.filter(app="contacts").delete()
    response = client.get("/healthz")
    assert response.status_code == 503
    assert response.json() == {"healthy": False, "database": True, "migrations": False, "worker": True}


def test_no_database(client):
    def refuse(execute, sql, params, many, context):
        raise OperationalError("the database is gone")

    with connection.execute_wrapper(refuse):
        response = client.get("/healthz")
    assert response.status_code == 503
    assert response.json() == {"healthy": False, "database": False, "migrations": False, "worker": False}


def test_only_reading_is_allowed(client):
    assert client.post("/healthz").status_code == 405
