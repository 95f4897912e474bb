"""What checks need of the server itself: commands, secrets, the share, the object storage, CVAT's exports."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.annotation.server.plugins.module_utils import server_checks as checks
from ansible_collections.annotation.server.plugins.module_utils.checklist import CheckFailed

CVAT_SERVER = "cvat_server"
#: Where CVAT keeps exports until it forgets them (cvat/settings: EXPORT_CACHE_ROOT); each is named after its task.
EXPORTS = "/home/django/data/cache/export"
#: Names in share and bucket. The same every run, so that a run that was killed leaves nothing that the next one keeps.
SHARE_FILE = "annotation-server-verify.txt"


class Server:
    """The server, for checks that change something and take it back."""

    def __init__(
        self,
        run: Callable[..., tuple[int, str, str]],
        params: Mapping[str, Any],
        hide: Callable[[str], None],
    ) -> None:
        """Take what is needed; nothing is done yet.

        Args:
            run: runs a command (Ansible's ``run_command``).
            params: the module's arguments.
            hide: keeps a value out of every answer.
        """
        self.run = run
        self.params = params
        self.hide = hide
        self.names: list[str] = ["annotation-server-verify-1.png", "annotation-server-verify-2.png"]
        self.in_bucket: set[str] = set()

    def secret(self, name: str) -> str:
        """Read a secret file, and keep its content out of every answer."""
        value = Path(self.params["secrets_dir"], name).read_text(encoding="utf-8").strip()
        self.hide(value)
        return value

    def gpu(self) -> dict[str, Any]:
        """What the stage gpu noted; empty when it never ran."""
        try:
            return json.loads(Path(self.params["gpu_summary"]).read_text(encoding="utf-8"))
        except (OSError, ValueError):  # no file, a folder, or a file that was cut off
            return {}

    def share_is_read(self) -> str:
        """Write a token into the share and read it inside CVAT."""
        token, path = secrets.token_hex(16), Path(self.params["share_dir"], SHARE_FILE)
        try:
            path.write_text(token, encoding="utf-8")
        except OSError as problem:
            raise CheckFailed(
                f"{path} cannot be written: {problem.strerror}", "Run site.yml with --tags storage."
            ) from problem
        try:
            return checks.share_is_read_only(self.run, CVAT_SERVER, self.params["share_dir"], token, path.name)
        finally:
            path.unlink(missing_ok=True)

    def mc(self, *arguments: str, data: bytes | None = None) -> tuple[int, str]:
        """Run the object storage's own client inside its container; the keys travel in the environment only."""
        user, password = (self.secret(f"object_storage_root_{part}") for part in ("user", "password"))
        status, out, err = self.run(
            ["docker", "exec", "-i", "-e", "MC_HOST_local", "-e", "MC_CONFIG_DIR=/tmp/mc", "minio", "mc", *arguments],
            data=data,
            binary_data=True,
            environ_update={"MC_HOST_local": f"http://{user}:{password}@127.0.0.1:9000"},
        )
        return status, (err or out).strip()

    def put(self, where: str, contents: Sequence[bytes]) -> None:
        """Lay pictures where a task takes them from: ``share`` or ``bucket``."""
        for name, content in zip(self.names, contents, strict=False):
            if where == "share":
                Path(self.params["share_dir"], name).write_bytes(content)
                continue
            status, said = self.mc("pipe", f"local/{self.params['bucket']}/{name}", data=content)
            if status != 0:
                raise CheckFailed(
                    f"the object storage does not take a picture: {said}",
                    "See 'docker logs minio' on the server, then run site.yml with --tags object_storage.",
                )
            self.in_bucket.add(name)

    def remove(self) -> None:
        """Take the pictures away again, also those that an earlier run left behind.

        Raises:
            CheckFailed: something that this run made is still there.
        """
        share = Path(self.params["share_dir"])
        for name in [*self.names, SHARE_FILE]:
            (share / name).unlink(missing_ok=True)
        for name in self.names if self.params["bucket"] else []:
            status, said = self.mc("rm", f"local/{self.params['bucket']}/{name}")
            if status != 0 and name in self.in_bucket:  # of the others there was none
                raise CheckFailed(
                    f"{name} is still in the bucket '{self.params['bucket']}': {said}",
                    "The next run tries again; see 'docker logs minio' on the server.",
                )
            self.in_bucket.discard(name)

    def forget_exports(self, tasks: Sequence[int]) -> None:
        """Remove the exports of tasks that are gone; CVAT would keep them for some hours more."""
        if tasks:
            names = [option for task in tasks for option in ("-o", "-name", f"task-{task}-*")][1:]
            self.run(["docker", "exec", CVAT_SERVER, "find", EXPORTS, "-type", "f", "(", *names, ")", "-delete"])

    def versions(self) -> dict[str, str]:
        """Versions of what the server runs on."""
        _status, engine, _err = self.run(["docker", "version", "--format", "{{ .Server.Version }}"])
        _status, compose, _err = self.run(["docker", "compose", "version", "--short"])
        return {"Docker Engine": engine.strip(), "Docker Compose": compose.strip()}

    def docker_dir(self) -> str:
        """Where Docker keeps images and volumes, CVAT's data among them."""
        _status, out, _err = self.run(["docker", "info", "--format", "{{ .DockerRootDir }}"])
        return out.strip() or "/var/lib/docker"
