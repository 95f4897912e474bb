"""The order in which an annotation server is checked, and what is skipped when something before it failed."""

from __future__ import annotations

import mimetypes
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.annotation.server.plugins.module_utils import (
    access_checks,
    bucket_checks,
    dataset_exports,
    docker_view,
    host_checks,
    host_clock,
    nuclio_checks,
    nuclio_cli,
    reboot_checks,
    s3_storage,
    share_checks,
)
from ansible_collections.annotation.server.plugins.module_utils import known_picture as pictures
from ansible_collections.annotation.server.plugins.module_utils import server_checks as checks
from ansible_collections.annotation.server.plugins.module_utils.checklist import CheckFailed, Checklist, CheckSkipped
from ansible_collections.annotation.server.plugins.module_utils.cvat_api import CvatClient, CvatError
from ansible_collections.annotation.server.plugins.module_utils.cvat_checks import CvatChecks
from ansible_collections.annotation.server.plugins.module_utils.cvat_walk import CvatWalk
from ansible_collections.annotation.server.plugins.module_utils.minio_admin import MinioAdmin
from ansible_collections.annotation.server.plugins.module_utils.server_tools import CVAT_SERVER, Server

PROXY = "http://127.0.0.1:4750"  # smokescreen inside CVAT's containers
DASHBOARD_PORT = 8070
#: How far the star moves from the first picture to the second, in pixels.
SHIFT = (24, 12)
UNEXPECTED = "This may be a fault of the check itself: run playbooks/diagnose.yml and report it."


class Verification:
    """One run over one server. Goes on after a failure, and takes back whatever it made."""

    def __init__(self, server: Server, params: Mapping[str, Any]) -> None:
        """Draw the pictures and prepare the client; CVAT is not asked yet.

        Raises:
            OSError: the password or the picture is not there.
        """
        self.server, self.params, self.result = server, params, Checklist()
        self.is_thorough: bool = params["thorough"]
        self.has_models = False  # whether CVAT knows of Nuclio
        self.containers: list[docker_view.Container] = []
        self.services: dict[str, dict[str, str]] = {}
        self.known: list[pictures.KnownPicture | None] = [None, None]
        if params["picture"]:
            ending = Path(params["picture"]).suffix
            server.names = [str(Path(name).with_suffix(ending)) for name in server.names]
            self.contents = [Path(params["picture"]).read_bytes()] * 2
        else:
            shifts = ((0, 0), SHIFT) if self.is_thorough else ((0, 0),)
            drawn = [pictures.draw(shift=shift) for shift in shifts]
            self.known = [*drawn]
            self.contents = [pictures.encode_png(each.width, each.height, each.rgb) for each in drawn]
        self.password = server.secret("cvat_superuser_password")
        self.client = CvatClient(
            url=params["url"] or f"http://127.0.0.1:{params['port']}",
            host=params["host"],
            username=params["user"],
            password=self.password,
            # A large model on a CPU embeds an image for half a minute; CVAT itself gives up after 120 s.
            timeout=130,
            ca_path=params["ca_path"] or None,
        )
        self.cvat = CvatChecks(self.client, picture_name=server.names[0], picture=self.known[0])
        self.walk = CvatWalk(self.client, server.names[: len(self.contents)], self.known)

    def run(self) -> None:
        """Run every check."""
        try:
            self.look_at_server()
            healthy = self.look_at_cvat()
            stored = self.look_at_storage(healthy)
            listed = self.look_at_models(healthy)
            self.use_it(healthy and stored, listed)
            if self.is_thorough:
                self.walk_through(healthy, stored)
        finally:
            self.result.group = "Afterwards"
            self.guarded("clean_up", "Nothing is left behind", self.clean_up)

    def guarded(self, name: str, title: str, check: Callable[..., str], *arguments: Any) -> bool:
        """Run one check; whatever goes wrong in it is a failed check, and the others still run."""

        def run() -> str:
            try:
                return check(*arguments)
            except (CheckFailed, CheckSkipped):
                raise
            except CvatError as problem:
                raise CheckFailed(str(problem), "See 'docker logs cvat_server' on the server.") from problem
            except Exception as problem:
                raise CheckFailed(f"unexpected: {type(problem).__name__}: {problem}", UNEXPECTED) from problem

        return self.result.run(name, title, run)

    def look_at_server(self) -> None:
        """The host itself."""
        self.result.group = "Server"
        run, params = self.server.run, self.params

        def look() -> str:
            self.containers = docker_view.look(run)
            return f"{len(self.containers)} containers"

        seen = self.guarded("docker", "Docker answers", look)
        self.guarded("docker_at_boot", "Docker starts at boot", reboot_checks.docker_starts, run)
        if seen:
            self.guarded(
                "restart", "Containers come back after a reboot", reboot_checks.restart_policies, self.containers
            )
        places = {"Docker": self.server.docker_dir(), "share": params["share_dir"]}
        places |= {"object storage": params["object_storage_dir"]} if params["bucket"] else {}
        limit = host_checks.disk_limit(self.containers)
        self.guarded("disk", "Disks have room", host_checks.disk_space, places, limit)
        self.guarded("memory", "Memory is left", host_checks.memory, self.containers)
        clock = host_clock.describe(params["control_time"])
        self.guarded("clock", "The clock is right", host_checks.clock, clock["synchronised"], clock["offset"])
        self.guarded(
            "open_ports",
            "Only wanted ports are open",
            access_checks.open_ports,
            self.containers,
            params["open_ports"],
            access_checks.listening(),
        )
        report = Path(params["backup_report"])
        self.guarded("backup", "The last backup is recent", host_checks.backup_age, run, report, params["backup_hours"])

    def look_at_cvat(self) -> bool:
        """CVAT's services and the ways in; tells whether CVAT is healthy."""
        self.result.group = "CVAT"
        run, params = self.server.run, self.params
        self.guarded("containers", "Containers run", checks.containers_run, run, "cvat", self.services)
        self.guarded(
            "addresses", "Services keep their addresses", reboot_checks.addresses, self.containers, params["ip_range"]
        )
        healthy = self.guarded("health", "CVAT is healthy", self.cvat.health)
        url = urlsplit(params["url"] or f"http://127.0.0.1:{params['port']}")
        is_tls = url.scheme == "https"
        address = params["address"] or "127.0.0.1"
        door = access_checks.Door(address, url.port or (443 if is_tls else 80), is_tls, params["ca_path"] or None)
        hosts = [params["host"], *params["extra_hosts"]]
        named = self.guarded("names", "CVAT answers by every name", access_checks.names_answer, door, hosts)
        own = access_checks.own_address()
        if own and own not in hosts and not is_tls:
            outside = access_checks.Door(own, door.port)
            self.guarded(
                "own_address",
                "CVAT answers at its address",
                access_checks.own_address_answers,
                outside,
                own,
                hosts,
            )
        if healthy and named:
            user = params["user"]
            self.guarded("sign_in", "People sign in", access_checks.people_sign_in, door, hosts, user, self.password)
        else:
            self.result.skip("sign_in", "People sign in", "CVAT failed above")
        return healthy

    def look_at_storage(self, healthy: bool) -> bool:
        """Share and object storage; tells whether CVAT can use the bucket (or has none)."""
        self.result.group = "Storage"
        run, params = self.server.run, self.params
        self.guarded("share", "Share is read-only in CVAT", self.server.share_is_read)
        self.guarded(
            "share_mounts",
            "Share is where CVAT needs it",
            share_checks.mounted_where_needed,
            self.containers,
            params["share_dir"],
        )
        if not params["bucket"]:
            return True
        health_url = f"{params['object_storage_url']}/minio/health/live"
        self.guarded(
            "proxy", "Object storage through CVAT's proxy", checks.proxy_reaches, run, CVAT_SERVER, PROXY, health_url
        )
        title = "Bucket is registered"
        if healthy:
            stored = self.guarded("cloud_storage", title, self.cvat.cloud_storage, params["bucket"])
        else:
            self.result.skip("cloud_storage", title, "CVAT failed above")
            stored = False
        self.guarded("bucket_private", "Bucket is private", self.bucket_is_private)
        self.guarded("bucket_key", "CVAT's key opens no more than it must", self.key_is_narrow)
        return stored

    def look_at_models(self, healthy: bool) -> bool:
        """Nuclio and the models; tells whether CVAT lists them."""
        self.result.group = "Models"
        run, params = self.server.run, self.params
        self.guarded("dashboard", "Nuclio dashboard is private", checks.port_is_private, run, "nuclio", DASHBOARD_PORT)
        self.guarded(
            "nuclio_version",
            "Nuclio's parts are of one version",
            nuclio_checks.versions,
            run,
            params["nuctl"],
            self.containers,
        )
        noted = nuclio_checks.records(nuclio_cli.Docker())
        self.guarded("function_project", "Models are in CVAT's project", nuclio_checks.projects, noted)
        self.guarded("invocation", "CVAT calls the models inside", nuclio_checks.invocation, self.containers)
        self.guarded(
            "function_addresses",
            "Models are found after a reboot",
            reboot_checks.function_addresses,
            self.containers,
            noted,
        )
        title = "Models are listed"
        if healthy:
            self.has_models = self.guarded("serverless", "The Models page is switched on", self.cvat.serverless)
        if self.has_models:
            deployed = checks.models_on_server(run)
            listed = self.guarded("functions", title, self.cvat.functions, params["functions"], deployed)
        else:
            self.result.skip("functions", title, "CVAT failed above" if not healthy else "it is switched off")
            listed = False
        gpu = self.server.gpu()
        if gpu.get("used"):
            self.guarded("gpu", "Models reach the GPU", checks.models_reach_gpu, run, gpu)
        return listed

    def use_it(self, ready: bool, listed: bool) -> None:
        """A task and a mask, as on every run."""
        self.result.group = "In use"
        params = self.params
        if self.cvat.versions:  # CVAT answers
            self.guarded("leftovers", "Nothing was left by an earlier run", self.sweep)
        title = "Task from a picture"
        if not ready:
            self.result.skip("task", title, "CVAT or its bucket failed above")
        elif self.guarded("task", title, self.create_task):
            title = f"Prompts to {params['interactor']}"
            if params["interactor"] and listed:
                self.guarded("prompt", title, self.cvat.masks, params["interactor"], params["minimum_iou"])
            elif params["interactor"]:
                self.result.skip("prompt", title, "the models failed above")

    def walk_through(self, healthy: bool, stored: bool) -> None:
        """The thorough form: the guide's last chapters, with every model that CVAT lists."""
        self.result.group = "From picture to export"
        walk, params = self.walk, self.params
        if not healthy:
            self.result.skip("walk", "From picture to export", "CVAT failed above")
            return
        if self.has_models:
            self.guarded("models", "Models to try", walk.list_functions)
        has_task = self.guarded("task_share", "A task from the share", self.create_walk_task, "share", None)
        if params["bucket"] and stored:
            storage = self.cvat.storage_id
            has_task |= self.guarded("task_bucket", "A task from the bucket", self.create_walk_task, "bucket", storage)
        elif params["bucket"]:
            self.result.skip("task_bucket", "A task from the bucket", "the bucket failed above")
        if not has_task:
            self.result.skip("walk", "Annotations and exports", "there is no task")
            return
        words = {"detector": "Automatic annotation by", "interactor": "A prompt to", "tracker": "Two pictures to"}
        for kind, what in words.items():
            for function in walk.functions:
                if function["kind"] == kind:
                    self.guarded(f"{kind}:{function['id']}", f"{what} {function['id']}", walk.try_model, function)
        if not self.guarded("save", "Shapes are saved", walk.save):
            self.result.skip("export", "Exports", "nothing could be saved")
            return
        for kind in dataset_exports.FORMATS:
            name = "export_" + kind.name.lower().rpartition(" ")[0].replace(" ", "_")
            self.guarded(name, f"Export as {kind.name}", walk.export, kind)

    def create_task(self) -> str:
        """Lay the picture down and make a task of it."""
        self.server.put("bucket" if self.params["bucket"] else "share", self.contents[:1])
        return self.cvat.create_task()

    def create_walk_task(self, where: str, storage: int | None) -> str:
        """Lay both pictures down and make a task of them."""
        self.server.put(where, self.contents)
        return self.walk.create_task(where, storage)

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

    def sweep(self) -> str:
        """Remove what a run that was killed left behind."""
        gone = self.walk.clean_up() + self.cvat.clean_up()
        self.server.forget_exports(gone)
        self.server.remove()
        return f"{len(gone)} tasks of a run that was ended too early are removed" if gone else "there was nothing"

    def clean_up(self) -> str:
        """Remove tasks, exports, objects and files, and look whether they are gone."""
        gone: list[int] = []
        try:
            gone = self.walk.clean_up() + self.cvat.clean_up()
        finally:  # also when CVAT does not answer any more
            self.server.forget_exports(gone)
            self.server.remove()
        return "the test tasks, their pictures and their exports are removed"

    def answer(self, started: float) -> dict[str, Any]:
        """Return the module's answer.

        Args:
            started: when the run began, in seconds since 1970.
        """
        sizes = [self.cvat.size if None in self.known else (each.width, each.height) for each in self.known if each]
        sizes = sizes or [self.cvat.size] * 2
        figures = [figure.as_dict(sizes) for figure in [*self.cvat.figures, *self.walk.figures]]
        media_type = mimetypes.guess_type(self.server.names[0])[0] or "image/png"
        gpu = self.server.gpu()
        ended = time.time()
        return {
            "form": "thorough" if self.is_thorough else "quick",
            "state": self.result.state,
            "summary": self.result.summary(),
            "started": stamp(started),
            "finished": stamp(ended),
            "finished_epoch": int(ended),
            "seconds": round(ended - started, 1),
            "checks": self.result.as_dicts(),
            "versions": {**self.cvat.versions, **self.server.versions(), **checks.gpu_versions(gpu)},
            "containers": self.services,
            "latencies": [*self.cvat.latencies, *self.walk.latencies],
            "exports": self.walk.exported,
            "figures": figures,
            "pictures": [pictures.data_uri(content, media_type) for content in self.contents] if figures else [],
        }


def stamp(seconds: float) -> str:
    """Return a time as ISO 8601 in UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
