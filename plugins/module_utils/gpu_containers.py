"""Models that were started with the server's cards, and whether they can still reach them.

``systemctl daemon-reload`` can take the cards away from running containers (source: troubleshooting page of NVIDIA's
container toolkit, "Failed to initialize NVML"). Starting them anew gives the cards back.
"""

from __future__ import annotations

import json
from collections.abc import Callable

RunCommand = Callable[[list[str]], tuple[int, str, str]]

#: Every container that Nuclio started has this label.
FUNCTION_LABEL = "nuclio.io/function-name"
# What nvidia-smi says when it runs and finds no card.
_NO_CARD = ("failed to initialize nvml", "no devices were found", "couldn't communicate with the nvidia driver")


def with_cards(run: RunCommand) -> list[str]:
    """Return the names of the running models that asked for cards."""
    status, out, _err = run(["docker", "ps", "--quiet", "--filter", f"label={FUNCTION_LABEL}"])
    if status != 0 or not out.split():
        return []
    template = "{{ .Name }}\t{{ json .HostConfig.DeviceRequests }}"
    _status, out, _err = run(["docker", "inspect", "--format", template, *out.split()])
    lines = [line.split("\t") for line in out.splitlines()]
    return sorted(name.lstrip("/") for name, asked in lines if _asks_for_cards(json.loads(asked) or []))


def _asks_for_cards(requests: list[dict]) -> bool:
    """Whether device requests are for NVIDIA's cards: ``docker run --gpus``, or ``--device nvidia.com/gpu``."""
    kinds = [kind for request in requests for group in request.get("Capabilities") or [] for kind in group]
    devices = [device for request in requests for device in request.get("DeviceIDs") or []]
    return "gpu" in kinds or any(device.startswith("nvidia.com/gpu") for device in devices)


def without(run: RunCommand, containers: list[str]) -> dict[str, str]:
    """Return those of the containers that lost their cards, and what nvidia-smi says in each.

    A container in which nvidia-smi cannot be started at all tells nothing, and is left out.
    """
    lost = {}
    for name in containers:
        status, out, err = run(["docker", "exec", name, "nvidia-smi", "-L"])
        said = (out + err).strip()
        if status != 0 and any(sign in said.lower() for sign in _NO_CARD):
            lost[name] = said.splitlines()[-1]
    return lost
