"""``/healthz``: is this installation able to do its work? For load balancers and monitors, without a login."""

import structlog
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django_q.conf import Conf
from django_q.status import Stat

log = structlog.get_logger("muster.health")


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """200 when the database answers, its schema is current and a worker runs; else 503. The body says which."""
    database = database_answers()
    checks = {
        "database": database,
        "migrations": database and not unapplied_migrations(),
        "worker": database and worker_runs(),
    }
    healthy = all(checks.values())
    return JsonResponse({"healthy": healthy, **checks}, status=200 if healthy else 503)


def database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        log.exception("database does not answer")
        return False
    return True


def unapplied_migrations() -> list[str]:
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [str(migration) for migration, _ in plan]


def worker_runs() -> bool:
    """Whether a worker gave a sign of life lately (see ``crm.broker``) that was not its last."""
    return any(str(stat.status) != str(Conf.STOPPED) for stat in Stat.get_all())
