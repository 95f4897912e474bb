"""GET /api/server/health/: the same checks and words as upstream; 500 when one fails."""

import shutil

import requests
from django.conf import settings
from django.core.cache import caches
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse


def _cache(name: str) -> None:
    caches[name].set("health", "works", 10)
    if caches[name].get("health") != "works":
        raise RuntimeError("Cache key does not match")


def _database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def disk_usage() -> float:
    """Percent of the disk that holds the data volume."""
    usage = shutil.disk_usage(settings.DATA_ROOT)
    return 100 * usage.used / usage.total


def _disk() -> None:
    if disk_usage() >= settings.HEALTH_DISK_USAGE_MAX:
        raise RuntimeError(f"warning: {disk_usage():.1f}% disk usage exceeds {settings.HEALTH_DISK_USAGE_MAX:g}%")


def _migrations() -> None:
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise RuntimeError("unavailable: There are migrations not applied yet")


def _opa() -> None:
    requests.get(f"{settings.OPA_URL}/health?bundles", timeout=5).raise_for_status()


CHECKS = {
    "Cache backend: default": lambda: _cache("default"),
    "Cache backend: media": lambda: _cache("media"),
    "DatabaseBackend": _database,
    "DiskUsage": _disk,
    "MemoryUsage": lambda: None,
    "MigrationsHealthCheck": _migrations,
    "OPAHealthCheck": _opa,
}


def health(request: HttpRequest) -> HttpResponse:
    """Every check's result by name, "working" or the error."""
    result = {}
    for name, check in CHECKS.items():
        try:
            check()
            result[name] = "working"
        except Exception as error:  # whatever is wrong is the answer
            result[name] = str(error)
    return JsonResponse(result, status=200 if set(result.values()) == {"working"} else 500)


class LoginNeedsDiskSpace:
    """A full disk blocks login (facts: "Disk over 90 % makes health fail and blocks login")."""

    def __init__(self, get_response):
        """Keep the next layer."""
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Refuse a login while the disk is over the limit."""
        if request.path == "/api/auth/login" and disk_usage() >= settings.HEALTH_DISK_USAGE_MAX:
            return HttpResponse("Disk usage is too high", status=503)
        return self.get_response(request)
