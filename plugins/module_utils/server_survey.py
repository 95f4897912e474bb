"""The checks that only look: at the host, at CVAT, at share and object storage, at the models."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.annotation.server.plugins.module_utils import (
    access_checks,
    bucket_checks,
    docker_view,
    functions_reach,
    host_checks,
    host_clock,
    nuclio_checks,
    nuclio_cli,
    reboot_checks,
    s3_storage,
    share_checks,
)
from ansible_collections.annotation.server.plugins.module_utils import server_checks as checks
from ansible_collections.annotation.server.plugins.module_utils.checklist import Checklist, CheckSkipped
from ansible_collections.annotation.server.plugins.module_utils.cvat_checks import CvatChecks
from ansible_collections.annotation.server.plugins.module_utils.minio_admin import MinioAdmin
from ansible_collections.annotation.server.plugins.module_utils.server_tools import CVAT_SERVER, Server

PROXY = "http://127.0.0.1:4750"  # smokescreen inside CVAT's containers
DASHBOARD_PORT = 8070


class Survey:
    """One look around; each method is a group of the report."""

    def __init__(
        self, server: Server, params: Mapping[str, Any], result: Checklist, cvat: CvatChecks, password: str
    ) -> None:
        """Take what is needed; nothing is asked yet. ``password`` is that of the module's user."""
        self.server, self.params, self.result, self.cvat, self.password = server, params, result, cvat, password
        self.containers: list[docker_view.Container] = []
        #: Service -> image, state, address.
        self.services: dict[str, dict[str, str]] = {}
        #: Whether CVAT knows of Nuclio.
        self.has_models = False

    def look_at_server(self) -> None:
        """The host itself."""
        self.result.group = "Server"
        run, params = self.server.run, self.params

        def look() -> str:
            self.containers = docker_view.look(run)
            return f"{len(self.containers)} containers"

        seen = self.result.run("docker", "Docker answers", look)
        self.result.run("docker_at_boot", "Docker starts at boot", reboot_checks.docker_starts, run)
        if seen:
            self.result.run(
                "restart", "Containers come back after a reboot", reboot_checks.restart_policies, self.containers
            )
        places = {"Docker": self.server.docker_dir(), "share": params["share_dir"]}
        places |= {"object storage": params["object_storage_dir"]} if params["bucket"] else {}
        limit = host_checks.disk_limit(self.containers)
        self.result.run("disk", "Disks have room", host_checks.disk_space, places, limit)
        self.result.run("memory", "Memory is left", host_checks.memory, self.containers)
        clock = host_clock.describe(params["control_time"])
        self.result.run("clock", "The clock is right", host_checks.clock, clock["synchronised"], clock["offset"])
        self.result.run(
            "open_ports",
            "Only wanted ports are open",
            access_checks.open_ports,
            self.containers,
            params["open_ports"],
            access_checks.listening(),
        )
        report = Path(params["backup_report"])
        self.result.run(
            "backup", "The last backup is recent", host_checks.backup_age, run, report, params["backup_hours"]
        )

    def look_at_cvat(self) -> bool:
        """CVAT's services and the ways in; tells whether CVAT is healthy."""
        self.result.group = "CVAT"
        run, params = self.server.run, self.params
        self.result.run("containers", "Containers run", checks.containers_run, run, "cvat", self.services)
        self.result.run(
            "addresses", "Services keep their addresses", reboot_checks.addresses, self.containers, params["ip_range"]
        )
        healthy = self.result.run("health", "CVAT is healthy", self.cvat.health)
        url = urlsplit(params["url"] or f"http://127.0.0.1:{params['port']}")
        is_tls = url.scheme == "https"
        address = params["address"] or "127.0.0.1"
        door = access_checks.Door(address, url.port or (443 if is_tls else 80), is_tls, params["ca_path"] or None)
        hosts = [params["host"], *params["extra_hosts"]]
        named = self.result.run("names", "CVAT answers by every name", access_checks.names_answer, door, hosts)
        own = access_checks.own_address()
        if own and own not in hosts and not is_tls:
            outside = access_checks.Door(own, door.port)
            self.result.run(
                "own_address",
                "CVAT answers at its address",
                access_checks.own_address_answers,
                outside,
                own,
                hosts,
            )
        if healthy and named:
            user = params["user"]
            self.result.run("sign_in", "People sign in", access_checks.people_sign_in, door, hosts, user, self.password)
        else:
            self.result.skip("sign_in", "People sign in", "CVAT failed above")
        return healthy

    def look_at_storage(self, healthy: bool) -> bool:
        """Share and object storage; tells whether CVAT can use the bucket (or has none)."""
        self.result.group = "Storage"
        run, params = self.server.run, self.params
        self.result.run("share", "Share is read-only in CVAT", self.server.share_is_read)
        self.result.run(
            "share_mounts",
            "Share is where CVAT needs it",
            share_checks.mounted_where_needed,
            self.containers,
            params["share_dir"],
        )
        if not params["bucket"]:
            return True
        health_url = f"{params['object_storage_url']}/minio/health/live"
        self.result.run(
            "proxy", "Object storage through CVAT's proxy", checks.proxy_reaches, run, CVAT_SERVER, PROXY, health_url
        )
        title = "Bucket is registered"
        if healthy:
            stored = self.result.run("cloud_storage", title, self.cvat.cloud_storage, params["bucket"])
        else:
            self.result.skip("cloud_storage", title, "CVAT failed above")
            stored = False
        self.result.run("bucket_private", "Bucket is private", self.bucket_is_private)
        self.result.run("bucket_key", "CVAT's key opens no more than it must", self.key_is_narrow)
        return stored

    def look_at_models(self, healthy: bool) -> bool:
        """Nuclio and the models; tells whether CVAT lists them."""
        self.result.group = "Models"
        run, params = self.server.run, self.params
        self.result.run(
            "dashboard", "Nuclio dashboard is private", checks.port_is_private, run, "nuclio", DASHBOARD_PORT
        )
        self.result.run(
            "nuclio_version",
            "Nuclio's parts are of one version",
            nuclio_checks.versions,
            run,
            params["nuctl"],
            self.containers,
        )
        noted = nuclio_checks.records(nuclio_cli.Docker())
        self.result.run("function_project", "Models are in CVAT's project", nuclio_checks.projects, noted)
        self.result.run("invocation", "CVAT calls the models inside", nuclio_checks.invocation, self.containers)
        self.result.run(
            "function_addresses",
            "Models are found after a reboot",
            reboot_checks.function_addresses,
            self.containers,
            noted,
        )
        self.result.run(
            "functions_reach",
            "Models reach nobody",
            functions_reach.reach_nobody,
            run,
            self.containers,
            access_checks.listening(),
            params["functions_guard"],
        )
        title = "Models are listed"
        if healthy:
            self.has_models = self.result.run("serverless", "The Models page is switched on", self.cvat.serverless)
        if self.has_models:
            deployed = checks.models_on_server(run)
            listed = self.result.run("functions", title, self.cvat.functions, params["functions"], deployed)
        else:
            self.result.skip("functions", title, "CVAT failed above" if not healthy else "it is switched off")
            listed = False
        gpu = self.server.gpu()
        if gpu.get("used"):
            self.result.run("gpu", "Models reach the GPU", checks.models_reach_gpu, run, gpu)
        return listed

    def bucket_is_private(self) -> str:
        """Ask the object storage without a key."""
        params = self.params
        return bucket_checks.bucket_is_private(
            self._s3("root_user", "root_password"),
            params["object_storage_endpoint"],
            params["bucket"],
            params["public_read"],
        )

    def key_is_narrow(self) -> str:
        """Ask the object storage with CVAT's key for more than it should open."""
        key, secret = (self.server.secret(f"object_storage_cvat_{part}") for part in ("access_key", "secret_key"))

        def run(command: list[str], environment: dict[str, str], data: str) -> tuple[int, str, str]:
            return self.server.run(command, environ_update=environment, data=data)

        return bucket_checks.key_is_narrow(
            self._s3("root_user", "root_password"),
            self._s3("cvat_access_key", "cvat_secret_key"),
            MinioAdmin(run, "minio", key, secret),
            self.params["object_storage_endpoint"],
            [self.params["bucket"], *self.params["extra_buckets"]],
        )

    def _s3(self, user: str, password: str) -> Any:
        if s3_storage.BOTO3_ERROR:
            raise CheckSkipped("boto3 is not installed on the server; the stage object_storage installs it")
        names = (f"object_storage_{user}", f"object_storage_{password}")
        return s3_storage.connect(self.params["object_storage_endpoint"], *map(self.server.secret, names))
