"""The checks of the verify stage that ask Docker: what a user would try by hand on a finished annotation server.

Each check is a function that returns its detail line or raises :class:`CheckFailed` with what is wrong and what to do.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from ansible_collections.annotation.server.plugins.module_utils import gpu_containers
from ansible_collections.annotation.server.plugins.module_utils.checklist import (
    Check,
    CheckFailed,
    Checklist,
    CheckSkipped,
    CheckWarning,
)
from ansible_collections.annotation.server.plugins.module_utils.gpu_containers import RunCommand
from ansible_collections.annotation.server.plugins.module_utils.nuclio_inputs import HASH_ANNOTATION

__all__ = ["Check", "CheckFailed", "CheckSkipped", "CheckWarning", "Checklist"]


def _inside(run: RunCommand, container: str, *command: str) -> tuple[int, str]:
    """Run a command in a container; return its exit status and its output in one string."""
    status, out, err = run(["docker", "exec", container, *command])
    return status, (out + err).strip()


def containers_run(run: RunCommand, project: str, found: dict[str, dict[str, str]]) -> str:
    """All containers of the compose project run. Fills ``found``: service -> image, state, address."""
    cure = "See 'docker ps -a' and 'docker logs NAME' on the server, then run site.yml again."
    status, out, err = run(["docker", "ps", "-aq", "--filter", f"label=com.docker.compose.project={project}"])
    if status != 0:
        raise CheckFailed(f"Docker does not answer: {(err or out).strip()}", "Start it: systemctl start docker.")
    identifiers = out.split()
    if not identifiers:
        raise CheckFailed(f"the compose project '{project}' has no containers", "Run site.yml with --tags cvat.")
    template = (
        '{{ index .Config.Labels "com.docker.compose.service" }}\t{{ .Config.Image }}\t{{ .State.Status }}\t'
        "{{ range .NetworkSettings.Networks }}{{ .IPAddress }} {{ end }}"
    )
    status, out, err = run(["docker", "inspect", "--format", template, *identifiers])
    if status != 0:
        raise CheckFailed(f"'docker inspect' failed: {err.strip()}", cure)
    for line in out.splitlines():
        service, image, state, addresses = [*line.split("\t"), "", "", ""][:4]
        found[service] = {"image": image, "state": state, "address": addresses.strip()}
    stopped = sorted(name for name, value in found.items() if value["state"] != "running")
    if stopped:
        states = ", ".join(f"{name} is {found[name]['state']}" for name in stopped)
        raise CheckFailed(states, cure)
    return f"{len(found)} containers run"


def models_on_server(run: RunCommand) -> dict[str, str]:
    """Return the models that this project deployed on the server: id and state of the container."""
    fields = ("nuclio.io/function-name", "nuclio.io/annotations")
    template = "\t".join(["{{ .State }}", *(f'{{{{ .Label "{field}" }}}}' for field in fields)])
    _status, out, _err = run(["docker", "ps", "--all", "--filter", f"label={fields[0]}", "--format", template])
    lines = [[*line.split("\t"), "", ""] for line in out.splitlines()]
    return {name: state for state, name, annotations, *_ in lines if HASH_ANNOTATION in annotations}


def gpu_versions(gpu: dict[str, Any]) -> dict[str, str]:
    """Return what of the stage gpu's summary belongs among the versions; nothing where no GPU is used."""
    if not gpu.get("used"):
        return {}
    cards = Counter(f"{card['architecture']} ({card['device']})" for card in gpu["devices"])
    found = {
        "GPU": ", ".join(f"{count} x {name}" if count > 1 else name for name, count in cards.items()),
        "NVIDIA driver": gpu["driver"]["loaded"],
        "NVIDIA Container Toolkit": gpu["toolkit"],
        "CUDA": gpu["cuda"],
    }
    return {name: version for name, version in found.items() if version}


def models_reach_gpu(run: RunCommand, gpu: dict[str, Any]) -> str:
    """The driver works, and every model that was started with the cards still finds them."""
    status, out, err = run(["nvidia-smi", "-L"])
    if status != 0:
        raise CheckFailed(
            f"nvidia-smi fails on the server: {(out + err).strip()}",
            "Run site.yml with --tags gpu; it says whether the server must be started anew.",
        )
    models = gpu_containers.with_cards(run)
    lost = gpu_containers.without(run, models)
    if lost:
        raise CheckFailed(
            ", ".join(f"{name} lost its GPU: {said}" for name, said in lost.items()),
            "Run site.yml with --tags models, which starts these models anew.",
        )
    cards = ", ".join(re.findall(r"^GPU \d+: (.+?)(?: \(UUID.*)?$", out, re.MULTILINE))
    return f"{cards}; models that use it: {', '.join(models) or 'none'}"


def share_is_read_only(run: RunCommand, container: str, folder: str, token: str, name: str) -> str:
    """A file that lies in the shared folder is read inside CVAT, and CVAT cannot write there."""
    inside = f"/home/django/share/{name}"
    status, text = _inside(run, container, "cat", inside)
    if status != 0 or text != token:
        raise CheckFailed(
            f"a file written to {folder} on the server does not appear in {container} ({text})",
            "The folder was probably mounted after CVAT started: run site.yml with --tags storage,cvat.",
        )
    status, text = _inside(run, container, "touch", f"{inside}.new")
    if status == 0:
        _inside(run, container, "rm", "-f", f"{inside}.new")
        raise CheckFailed(
            f"{container} can write to {folder}",
            "The share must be mounted read-only in CVAT: run site.yml with --tags cvat.",
        )
    if "read-only" not in text.lower():
        raise CheckFailed(
            f"{container} cannot write to {folder}, but not because it is mounted read-only: {text}",
            "Run site.yml with --tags cvat, which mounts it read-only.",
        )
    return f"a file in {folder} is read inside {container} and cannot be written there"


_PROXY_PROBE = """
import sys, urllib.request
opener = urllib.request.build_opener(urllib.request.ProxyHandler({"http": sys.argv[1]}))
try:
    print(opener.open(sys.argv[2], timeout=10).status)
except Exception as problem:
    sys.exit(f"{type(problem).__name__}: {problem}")
"""


def proxy_reaches(run: RunCommand, container: str, proxy: str, url: str) -> str:
    """CVAT's own proxy, which refuses private addresses unless told otherwise, lets the object storage through."""
    status, text = _inside(run, container, "python3", "-c", _PROXY_PROBE, proxy, url)
    if status != 0:
        raise CheckFailed(
            f"{container} cannot reach {url} through its proxy: {text}",
            "407 means that SMOKESCREEN_OPTS lacks the address: run site.yml with --tags cvat, which recreates the "
            "containers. 'Name or service not known' means that the object storage does not run.",
        )
    return f"{url} answers {text} through CVAT's proxy"


def port_is_private(run: RunCommand, container: str, port: int) -> str:
    """A container's port is not published, or only on loopback."""
    status, out, err = run(["docker", "port", container, str(port)])
    if status != 0:
        if "no public port" in (out + err).lower():
            return f"port {port} is not published"
        raise CheckFailed(f"'docker port {container}' failed: {(out + err).strip()}", "Run site.yml with --tags cvat.")
    open_on = [line for line in out.split() if not line.startswith(("127.", "[::1]"))]
    if open_on:
        raise CheckFailed(
            f"port {port} of {container} is open on {', '.join(open_on)}; who reaches it owns this server",
            "Set annotation_server_admin_bind to 127.0.0.1 and run site.yml with --tags cvat.",
        )
    return f"port {port} listens on {', '.join(out.split()) or 'no address'} only"
