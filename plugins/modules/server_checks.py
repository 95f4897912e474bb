#!/usr/bin/python
"""Run the functional checks of an annotation server, on the server itself."""

from __future__ import annotations

DOCUMENTATION = r"""
module: server_checks
short_description: Try what a user would try on a finished annotation server
version_added: 0.1.0
description:
  - Looks whether CVAT's containers run and CVAT is healthy; whether a file in the shared folder is read inside CVAT and
    cannot be written there; whether the object storage is reached through CVAT's own proxy; whether CVAT lists the
    models; whether they still reach the GPU that they were started with; whether a task can be made from the bucket;
    and whether prompts come back as masks.
  - Goes on after a failure and returns every result. It fails only if it cannot run at all, so that the caller decides.
  - What it makes (a file in the share, an object in the bucket, a task in CVAT) it removes again.
author: The annotation.server authors
options:
  host:
    description: Name under which CVAT answers, sent as the Host header.
    type: str
    default: localhost
  url:
    description: Address of CVAT as the server reaches it. Empty means plain HTTP on O(port) of 127.0.0.1.
    type: str
    default: ""
  ca_path:
    description: File with the authority's certificate for https. Empty uses the system's authorities.
    type: path
  port:
    description: CVAT's port on this server.
    type: int
    default: 8080
  user:
    description: A superuser of CVAT.
    type: str
    default: admin
  secrets_dir:
    description:
      - Folder of the secret files. C(cvat_superuser_password) and, with a bucket, C(object_storage_root_*) are read.
    type: path
    required: true
  share_dir:
    description: The shared folder on this server.
    type: path
    required: true
  bucket:
    description: The bucket that CVAT uses. Empty when there is no object storage.
    type: str
    default: ""
  object_storage_url:
    description: Address of the object storage as CVAT's containers see it.
    type: str
    default: http://minio:9000
  gpu_summary:
    description: File with what the stage gpu found and did. The GPU is checked only when it is there.
    type: path
    default: ""
  functions:
    description: Models that CVAT must list.
    type: list
    elements: str
    default: []
  interactor:
    description: The model that is asked for masks. Empty to leave that check out.
    type: str
    default: ""
  picture:
    description: A photo on this server to ask about, instead of the drawn star.
    type: path
    default: ""
  minimum_iou:
    description: Smallest acceptable agreement of the mask with the drawn star.
    type: float
    default: 0.0
attributes:
  check_mode:
    description: Does nothing in check mode, because the checks write into the running server.
    support: none
  diff_mode:
    description: There is nothing to compare.
    support: none
"""

EXAMPLES = r"""
- name: Check the server
  annotation.server.server_checks:
    host: cvat.example.org
    secrets_dir: /etc/annotation-server/secrets
    share_dir: /mnt/share
    bucket: cvat-storage
    functions: [sam2]
    interactor: sam2
  register: result
  no_log: true
"""

RETURN = r"""
checks:
  description: One entry per check, in order; C(state) is C(ok), C(failed) or C(skipped).
  type: list
  elements: dict
  returned: always
  sample: [{name: health, title: CVAT is healthy, state: ok, detail: "6 parts work", cure: "", seconds: 0.3}]
versions:
  description: Versions that were seen.
  type: dict
  returned: always
containers:
  description: Image, state and address of each service.
  type: dict
  returned: always
latencies:
  description: How long each prompt took, in seconds.
  type: list
  elements: dict
  returned: always
picture:
  description: The picture that was asked about, as a C(data:) address.
  type: str
  returned: always
overlay:
  description: The mask to lay over the picture, as a C(data:) address.
  type: str
  returned: always
prompt:
  description: The prompt that gave the mask.
  type: str
  returned: always
"""

import json
import mimetypes
import secrets
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.annotation.server.plugins.module_utils import known_picture as pictures
from ansible_collections.annotation.server.plugins.module_utils import server_checks as checks
from ansible_collections.annotation.server.plugins.module_utils.cvat_api import CvatClient, CvatError
from ansible_collections.annotation.server.plugins.module_utils.cvat_checks import CvatChecks

CVAT_SERVER = "cvat_server"
PROXY = "http://127.0.0.1:4750"  # smokescreen inside CVAT's containers


class Server:
    """The parts of the walk that need the server itself: Docker, the share, the object storage."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.params: dict[str, Any] = module.params
        # The same name every run, so that a run that was killed leaves nothing that the next one does not remove.
        self.name = "annotation-server-verify.png"
        self.placed = False

    def run(self, command: list[str], **options: Any) -> tuple[int, str, str]:
        """Run a command on the server."""
        return self.module.run_command(command, **options)

    def secret(self, name: str) -> str:
        """Read a secret file, and keep its content out of every answer."""
        value = Path(self.params["secrets_dir"], name).read_text(encoding="utf-8").strip()
        self.module.no_log_values.add(value)
        return value

    def gpu(self) -> dict[str, Any]:
        """What the stage gpu noted; empty when it never ran."""
        try:
            return json.loads(Path(self.params["gpu_summary"]).read_text(encoding="utf-8"))
        except (OSError, ValueError):  # no file, a folder, or a file that was cut off
            return {}

    def share_file(self) -> Path:
        """The file that is put into the share while the checks run."""
        return Path(self.params["share_dir"], self.name)

    def share(self) -> str:
        """Write a token into the share and read it inside CVAT."""
        token, path = secrets.token_hex(16), self.share_file().with_suffix(".txt")
        try:
            path.write_text(token, encoding="utf-8")
        except OSError as problem:
            raise checks.CheckFailed(
                f"{path} cannot be written: {problem.strerror}", "Run site.yml with --tags storage."
            ) from problem
        try:
            return checks.share_is_read_only(self.run, CVAT_SERVER, self.params["share_dir"], token, path.name)
        finally:
            path.unlink(missing_ok=True)

    def mc(self, *arguments: str, data: bytes | None = None) -> None:
        """Run the object storage's own client inside its container; the keys travel in the environment only."""
        user, password = (self.secret(f"object_storage_root_{part}") for part in ("user", "password"))
        status, out, err = self.run(
            ["docker", "exec", "-i", "-e", "MC_HOST_local", "-e", "MC_CONFIG_DIR=/tmp/mc", "minio", "mc", *arguments],
            data=data,
            binary_data=True,
            environ_update={"MC_HOST_local": f"http://{user}:{password}@127.0.0.1:9000"},
        )
        if status != 0:
            raise checks.CheckFailed(
                f"the object storage refused 'mc {arguments[0]}': {(err or out).strip()}",
                "See 'docker logs minio' on the server, then run site.yml with --tags object_storage.",
            )

    def put_picture(self, content: bytes) -> None:
        """Lay the test picture where the test task takes it from."""
        if self.params["bucket"]:
            self.mc("pipe", f"local/{self.params['bucket']}/{self.name}", data=content)
        else:
            self.share_file().write_bytes(content)
        self.placed = True

    def remove_picture(self) -> None:
        """Take the test picture away again."""
        if not self.placed:
            return
        if self.params["bucket"]:
            self.mc("rm", f"local/{self.params['bucket']}/{self.name}")
        else:
            self.share_file().unlink(missing_ok=True)


def walk(module: AnsibleModule) -> dict[str, Any]:
    """Run all checks and return the module's answer."""
    params, server, result = module.params, Server(module), checks.Checklist()
    containers: dict[str, dict[str, str]] = {}
    drawn = None if params["picture"] else pictures.draw()
    content = (
        Path(params["picture"]).read_bytes()
        if drawn is None
        else pictures.encode_png(drawn.width, drawn.height, drawn.rgb)
    )
    client = CvatClient(
        url=params["url"] or f"http://127.0.0.1:{params['port']}",
        host=params["host"],
        username=params["user"],
        password=server.secret("cvat_superuser_password"),
        # A large model on a CPU embeds an image for half a minute; CVAT itself gives up after 120 s.
        timeout=130,
        ca_path=params["ca_path"] or None,
    )
    cvat = CvatChecks(client, picture_name=server.name, picture=drawn)

    def guarded(check: Any, *arguments: Any) -> Any:
        """Turn an error of CVAT's API into a failed check."""

        def run() -> str:
            try:
                return check(*arguments)
            except CvatError as problem:
                raise checks.CheckFailed(str(problem), "See 'docker logs cvat_server' on the server.") from problem

        return run

    run = result.run
    run("containers", "Containers run", lambda: checks.containers_run(server.run, "cvat", containers))
    healthy = run("health", "CVAT is healthy", guarded(cvat.health))
    run("dashboard", "Nuclio dashboard is private", lambda: checks.port_is_private(server.run, "nuclio", 8070))
    run("share", "Share is read-only in CVAT", server.share)
    stored = True
    if params["bucket"]:
        health_url = f"{params['object_storage_url']}/minio/health/live"
        run(
            "proxy",
            "Object storage through CVAT's proxy",
            lambda: checks.proxy_reaches(server.run, CVAT_SERVER, PROXY, health_url),
        )
        stored = healthy and run("cloud_storage", "Bucket is registered", guarded(cvat.cloud_storage, params["bucket"]))
    deployed = checks.models_on_server(server.run)
    listed = healthy and run("functions", "Models are listed", guarded(cvat.functions, params["functions"], deployed))

    gpu = server.gpu()
    if gpu.get("used"):
        run("gpu", "Models reach the GPU", lambda: checks.models_reach_gpu(server.run, gpu))

    def create_task() -> str:
        server.put_picture(content)
        return guarded(cvat.create_task)()

    title = "Task from a picture"
    if not (healthy and stored):
        result.skip("task", title, "CVAT or its bucket failed above")
    elif run("task", title, create_task):
        title = f"Prompts to {params['interactor']}"
        if params["interactor"] and listed:
            run("prompt", title, guarded(cvat.masks, params["interactor"], params["minimum_iou"]))
        elif params["interactor"]:
            result.skip("prompt", title, "the models failed above")
    run("clean_up", "Nothing is left behind", lambda: clean_up(server, cvat, guarded))

    overlay = pictures.encode_overlay(*cvat.size, cvat.mask, cvat.box) if cvat.mask else b""
    media_type = mimetypes.guess_type(params["picture"] or server.name)[0] or "image/png"
    return {
        "checks": result.as_dicts(),
        "versions": {**cvat.versions, **tool_versions(server), **checks.gpu_versions(gpu)},
        "containers": containers,
        "latencies": cvat.latencies,
        "picture": pictures.data_uri(content, media_type) if overlay else "",
        "overlay": pictures.data_uri(overlay) if overlay else "",
        "prompt": cvat.prompt,
    }


def clean_up(server: Server, cvat: CvatChecks, guarded: Any) -> str:
    """Remove the task, the object and the file that the checks made."""

    def remove() -> str:
        cvat.clean_up()
        return "the test task and its picture are removed"

    message = guarded(remove)()
    server.remove_picture()
    return message


def tool_versions(server: Server) -> dict[str, str]:
    """Versions of what the server runs on."""
    _status, engine, _err = server.run(["docker", "version", "--format", "{{ .Server.Version }}"])
    _status, compose, _err = server.run(["docker", "compose", "version", "--short"])
    return {"Docker Engine": engine.strip(), "Docker Compose": compose.strip()}


def main() -> None:
    """Entry point of the module."""
    module = AnsibleModule(
        argument_spec={
            "host": {"type": "str", "default": "localhost"},
            "port": {"type": "int", "default": 8080},
            "url": {"type": "str", "default": ""},
            "ca_path": {"type": "path"},
            "user": {"type": "str", "default": "admin"},
            "secrets_dir": {"type": "path", "required": True, "no_log": False},
            "share_dir": {"type": "path", "required": True},
            "bucket": {"type": "str", "default": ""},
            "object_storage_url": {"type": "str", "default": "http://minio:9000"},
            "gpu_summary": {"type": "path", "default": ""},
            "functions": {"type": "list", "elements": "str", "default": []},
            "interactor": {"type": "str", "default": ""},
            "picture": {"type": "path", "default": ""},
            "minimum_iou": {"type": "float", "default": 0.0},
        },
        supports_check_mode=False,
    )
    try:
        module.exit_json(changed=False, **walk(module))
    except OSError as problem:
        module.fail_json(msg=f"The checks cannot run: {problem}. Was site.yml run on this server?")


if __name__ == "__main__":
    main()
