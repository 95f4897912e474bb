"""Models that lost their cards are found, and only they are started anew."""

from __future__ import annotations

import json

import pytest
from ansible_collections.annotation.server.plugins.module_utils import gpu_containers
from ansible_collections.annotation.server.plugins.module_utils import server_checks as checks

# As `docker run --gpus all` and `docker run --device nvidia.com/gpu=0` leave them.
GPUS = [{"Driver": "", "Count": -1, "DeviceIDs": None, "Capabilities": [["gpu"]], "Options": {}}]
CDI = [{"Driver": "cdi", "Count": 0, "DeviceIDs": ["nvidia.com/gpu=0"], "Capabilities": None, "Options": None}]
NVML = (255, "Failed to initialize NVML: Unknown Error\n", "")


class Docker:
    """Containers by name: what devices they asked for, and what nvidia-smi answers in them."""

    def __init__(self, **containers: tuple[list | None, tuple[int, str, str]]) -> None:
        self.containers = containers
        self.smi = (0, "GPU 0: NVIDIA L4 (UUID: GPU-1)\nGPU 1: NVIDIA L4 (UUID: GPU-2)\n", "")

    def __call__(self, command: list[str]) -> tuple[int, str, str]:
        if command[0] == "nvidia-smi":
            return self.smi
        assert command[0] == "docker"
        if command[1] == "ps":
            assert "label=nuclio.io/function-name" in command
            return 0, "".join(f"{name}\n" for name in self.containers), ""
        if command[1] == "inspect":
            lines = (f"/{name}\t{json.dumps(self.containers[name][0])}\n" for name in command[4:])
            return 0, "".join(lines), ""
        assert command[1] == "exec" and command[3:] == ["nvidia-smi", "-L"]
        return self.containers[command[2]][1]


FINE = (0, "GPU 0: NVIDIA L4 (UUID: GPU-1)\n", "")


def test_only_models_with_cards_are_asked() -> None:
    docker = Docker(sam2=(GPUS, FINE), sam1=(CDI, FINE), yolo=(None, NVML), other=([], NVML))
    assert gpu_containers.with_cards(docker) == ["sam1", "sam2"]
    assert gpu_containers.with_cards(Docker()) == []
    assert gpu_containers.with_cards(lambda _command: (1, "", "Cannot connect")) == []


@pytest.mark.parametrize(
    ("answer", "lost"),
    [
        (FINE, False),
        (NVML, True),
        ((6, "No devices were found\n", ""), True),
        ((9, "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.", ""), True),
        ((126, "", 'exec: "nvidia-smi": executable file not found in $PATH'), False),
        ((1, "", "Container 1 is restarting, wait until the container is running"), False),
    ],
)
def test_lost(answer: tuple[int, str, str], lost: bool) -> None:
    found = gpu_containers.without(Docker(sam2=(GPUS, answer)), ["sam2"])
    assert list(found) == (["sam2"] if lost else [])
    assert not lost or found["sam2"] in answer[1]


SUMMARY = {
    "used": True,
    "devices": [{"architecture": "Ada", "device": "0x27b8"}, {"architecture": "Ada", "device": "0x27b8"}],
    "driver": {"loaded": "580.105.08"},
    "toolkit": "1.20.0-1",
    "cuda": "",
}


def test_the_check_names_cards_and_models() -> None:
    assert (
        checks.models_reach_gpu(Docker(sam2=(GPUS, FINE)), SUMMARY) == "NVIDIA L4, NVIDIA L4; models that use it: sam2"
    )
    assert checks.models_reach_gpu(Docker(), SUMMARY).endswith("none")


def test_the_check_fails_with_what_to_do() -> None:
    with pytest.raises(checks.CheckFailed, match="sam2 lost its GPU: Failed to initialize NVML") as caught:
        checks.models_reach_gpu(Docker(sam2=(GPUS, NVML), sam1=(GPUS, FINE)), SUMMARY)
    assert "--tags models" in caught.value.cure
    docker = Docker()
    docker.smi = (9, "NVIDIA-SMI has failed", "")
    with pytest.raises(checks.CheckFailed, match="on the server: NVIDIA-SMI has failed") as caught:
        checks.models_reach_gpu(docker, SUMMARY)
    assert "--tags gpu" in caught.value.cure


def test_versions_for_the_report() -> None:
    assert checks.gpu_versions(SUMMARY) == {
        "GPU": "2 x Ada (0x27b8)",
        "NVIDIA driver": "580.105.08",
        "NVIDIA Container Toolkit": "1.20.0-1",
    }
    assert checks.gpu_versions({}) == checks.gpu_versions({"used": False}) == {}
