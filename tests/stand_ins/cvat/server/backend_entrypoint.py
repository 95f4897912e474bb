#!/usr/bin/python3
"""Entry point of the backend's containers, with upstream's subcommands: bash, init, run server, run worker QUEUES.

Subcommands can follow each other ("init run server"). One process does all, so that a container starts fast.
"""

import os
import signal
import socket
import subprocess
import sys
import threading
import time

# Where smokescreen runs (facts: "server, import, export, annotation, chunks and webhooks containers").
WITH_PROXY = {"server", "import", "export", "annotation", "chunks", "webhooks"}


def fail(text: str) -> None:
    """End with a sentence."""
    sys.exit(f"{sys.argv[0]}: {text}")


def wait_for(variable: str, port_variable: str, port: str) -> None:
    """Wait until a service accepts connections."""
    address = (os.environ[variable], int(os.environ.get(port_variable, port)))
    while True:
        try:
            socket.create_connection(address, timeout=3).close()
            return
        except OSError:
            time.sleep(0.3)


def keep_smokescreen() -> None:
    """Start the proxy and start it again when it ends, as supervisord does upstream."""

    def loop() -> None:
        while True:
            subprocess.call(["/usr/local/bin/smokescreen"])
            time.sleep(2)

    threading.Thread(target=loop, daemon=True).start()


def setup() -> None:
    """Load Django once the services are there."""
    wait_for("CVAT_POSTGRES_HOST", "CVAT_POSTGRES_PORT", "5432")
    wait_for("CVAT_REDIS_INMEM_HOST", "CVAT_REDIS_INMEM_PORT", "6379")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cvat.settings")
    import django

    django.setup()


def init() -> None:
    """Bring the database up to date; the database may still be in its own first start."""
    setup()
    from django.core.management import call_command
    from django.db import OperationalError, connection

    while True:
        try:
            connection.ensure_connection()
            break
        except OperationalError:
            time.sleep(0.3)
    call_command("migrate", interactive=False, verbosity=1)


def wait_for_migrations() -> None:
    """Workers wait for the server's migrations, as upstream ("migrate --check")."""
    from django.db import OperationalError, connection
    from django.db.migrations.executor import MigrationExecutor

    while True:
        try:
            executor = MigrationExecutor(connection)
            if not executor.migration_plan(executor.loader.graph.leaf_nodes()):
                return
        except OperationalError:
            connection.close()
        time.sleep(1)


def run(component: str, *queues: str) -> None:
    """Serve HTTP on 8080, or work off queues."""
    if component not in ("server", "worker"):
        fail(f"run: unknown component: {component}")
    if component == "worker" and not queues:
        fail("run worker: expected at least 1 queue name")
    setup()
    from django.conf import settings

    unknown = set(queues) - set(settings.RQ_QUEUES)
    if unknown:
        fail(f"Unexpected worker: {', '.join(sorted(unknown))}")
    if WITH_PROXY & {component, *queues}:
        keep_smokescreen()
    wait_for_migrations()
    if component == "server":
        from gunicorn.app.wsgiapp import run as gunicorn

        options = "--bind 0.0.0.0:8080 --workers 1 --threads 16 --timeout 300 --worker-tmp-dir /dev/shm --preload"
        sys.argv = ["gunicorn", *options.split(), "cvat.wsgi"]
        gunicorn()
    else:
        from django.core.management import call_command

        call_command("rqworker", *queues, worker_class="rq.SimpleWorker")


def main() -> None:
    """Read the subcommands."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    words = sys.argv[1:]
    if not words:
        fail("at least one subcommand required: bash, init, run server, run worker QUEUES")
    while words:
        word = words.pop(0)
        if word == "bash":
            os.execvp("bash", ["bash", *words])
        elif word == "init":
            init()
        elif word == "run":
            if not words:
                fail("run: at least 1 argument is expected")
            run(*words)
            return
        else:
            fail(f"unknown subcommand: {word}")


if __name__ == "__main__":
    main()
