"""The image of a function: built under a name of its own, so that what runs is not touched until it is replaced.

``nuctl deploy`` removes the running container as soon as it has read the configuration, and builds only then
(nuclio/nuclio: pkg/processor/build/builder.go calls OnAfterConfigUpdate before it stages anything, and there the local
platform deletes the previous containers). ``nuctl build`` builds and touches nothing else.
"""

from __future__ import annotations

import contextlib
import copy
import json
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.annotation.server.plugins.module_utils import nuclio_cli
from ansible_collections.annotation.server.plugins.module_utils.nuclio_cli import NuclioError
from ansible_collections.annotation.server.plugins.module_utils.nuclio_images import MADE_LABEL

FUNCTION_LABEL = "annotation-server.function"
_NAMES = "annotation-server"


def image_name(function: str, content_hash: str) -> str:
    """Return the name of the image with this content: nuctl puts a tag behind it, so it must not have one itself."""
    return f"{_NAMES}/{function}/{content_hash[:16]}"


def labelled(config: Mapping[str, Any], function: str) -> dict[str, Any]:
    """Return a configuration whose image says that it was made here, and for which function.

    The first label is the same for all, so that functions go on sharing the layers above it.
    """
    marked = copy.deepcopy(dict(config))
    build = marked.setdefault("spec", {}).setdefault("build", {})
    own = build.get("directives") or {}
    build["directives"] = {
        **own,
        "preCopy": [{"kind": "LABEL", "value": f"{MADE_LABEL}=function"}, *(own.get("preCopy") or [])],
        "postCopy": [*(own.get("postCopy") or []), {"kind": "LABEL", "value": f"{FUNCTION_LABEL}={function}"}],
    }
    return marked


def build(
    nuctl: nuclio_cli.Nuctl,
    function: str,
    image: str,
    context: str,
    config: Mapping[str, Any],
    timeout: float,
    log: Path | None = None,
) -> None:
    """Build the image; what runs is not touched.

    Raises:
        NuclioError: it does not build; with the last lines of the output.
    """
    if log:
        log.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    with config_file(labelled(config, function), function, nuctl.namespace) as path:
        command = ["build", function, "--path", context, "--file", path, "--image", image]
        answer = nuctl(*command, timeout=timeout, log=log)
    if answer.rc != 0:
        raise NuclioError(f"What the build says:\n{nuclio_cli.last_lines(answer.text)}")


@contextlib.contextmanager
def config_file(config: Mapping[str, Any], name: str, namespace: str) -> Iterator[str]:
    """Lend a function's configuration as a file that only its owner reads; yields its path."""
    metadata = {**(config.get("metadata") or {}), "name": name, "namespace": namespace}
    with tempfile.TemporaryDirectory(prefix="nuctl-") as folder:
        path = Path(folder, "function.yaml")
        path.touch(mode=0o600)
        # JSON is YAML: no YAML writer is needed on the host.
        path.write_text(json.dumps({**config, "metadata": metadata}, indent=2))
        yield str(path)


def forget_old(docker: nuclio_cli.Docker, function: str, keep: int) -> list[str]:
    """Remove all but the newest images of a function that were built here; an image that runs stays in any case.

    Args:
        docker: the client.
        function: its name.
        keep: how many are left.
    """
    pattern = f"reference={_NAMES}/{function}/*"
    listed = docker("image", "ls", "--filter", pattern, "--format", "{{.CreatedAt}}|{{.Repository}}")
    lines = sorted((line for line in listed.out.splitlines() if "|" in line), reverse=True)
    names = [line.partition("|")[2] for line in lines]
    # Without --force docker keeps what a container uses.
    return [name for name in names[keep:] if docker("image", "rm", name).rc == 0]
