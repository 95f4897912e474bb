"""What the stage gpu does on a host, and what container toolkit and CUDA it gets. Pure functions."""

from __future__ import annotations

from typing import Any

from ansible_collections.annotation.server.plugins.module_utils import nvidia_devices, nvidia_packages
from ansible_collections.annotation.server.plugins.module_utils.nvidia_packages import numbers

TOOLKIT = (
    "nvidia-container-toolkit",
    "nvidia-container-toolkit-base",
    "libnvidia-container-tools",
    "libnvidia-container1",
)
# Older ones let a container take over the host (CVE-2024-0132, CVE-2025-23266, CVE-2026-24260 and others).
TOOLKIT_SAFE = "1.19.1"
# The first engine that knows how to read CDI specifications.
CDI_SINCE = (25, 0, 0)

# NVIDIA's folder for Debian 13 begins with CUDA 13; Debian itself has 12.4.
CUDA_OF_DEBIAN = {"13": "12.4"}
DRIVER_FOR_CUDA = {11: "450.80.02", 12: "525.60.13", 13: "580.65.06"}


def wanted(host: dict[str, Any], wish: Any) -> dict[str, Any]:
    """Decide whether the stage has anything to do; ``wish`` is annotation_server_gpu (auto, true, false)."""
    text = str(wish).lower()
    usable = nvidia_devices.usable(host["devices"])
    if text == "false":
        return {"wanted": False, "reason": "annotation_server_gpu is false: the stage gpu is left out."}
    if host["system"]["wsl"]:
        return {
            "wanted": host["wsl_library"] or text == "true",
            "reason": "This is WSL2; Windows lends it a GPU." if host["wsl_library"] else "This is WSL2 without a GPU.",
        }
    if usable:
        return {"wanted": True, "reason": f"This host has {nvidia_devices.names(usable)}."}
    kept = " that is not kept for virtual machines" if host["devices"] else ""
    if text == "true":
        return {"wanted": True, "reason": f"annotation_server_gpu is true, and no NVIDIA device{kept} is there."}
    return {
        "wanted": False,
        "reason": f"This host has no NVIDIA device{kept}: the stage gpu is left out, models run on the processor.",
    }


def toolkit(host: dict[str, Any], wish: dict[str, Any]) -> dict[str, Any]:
    """Decide between keep, install and refuse for the container toolkit.

    Args:
        host: what ``nvidia_probe`` returns.
        wish: version, for example ``1.20.0``.

    Returns:
        action, reason (a sentence) and packages (with their exact versions).
    """
    if numbers(wish["version"]) < numbers(TOOLKIT_SAFE):
        return {
            "action": "refuse",
            "reason": f"nvidia_container_toolkit_version is {wish['version']}; versions before {TOOLKIT_SAFE} let a "
            f"container take over the host. Set {TOOLKIT_SAFE} or newer. Nothing was changed.",
            "packages": [],
        }
    have = {name: host["packages"].get(name, "") for name in TOOLKIT}
    versions = set(have.values())
    if len(versions) == 1 and "" not in versions and numbers(min(versions)) >= numbers(wish["version"]):
        return {"action": "keep", "reason": f"The container toolkit {min(versions)} is installed.", "packages": []}
    before = ", ".join(sorted(versions - {""})) or "none"
    return {
        "action": "install",
        "reason": f"The container toolkit {wish['version']} will be installed (now: {before}).",
        "packages": [f"{name}={wish['version']}-1" for name in TOOLKIT],
    }


def docker_settings(engine: str) -> dict[str, Any]:
    """Return what daemon.json needs for GPUs in containers; ``engine`` is the version, empty before it is installed."""
    runtime = {"nvidia": {"path": "nvidia-container-runtime", "args": []}}
    if engine and numbers(engine) < CDI_SINCE:
        return {"runtimes": runtime}
    return {"runtimes": runtime, "features": {"cdi": True}}


def cuda(host: dict[str, Any], wish: dict[str, Any]) -> dict[str, Any]:
    """Decide between keep, install and refuse for the CUDA toolkit.

    Args:
        host: what ``nvidia_probe`` returns.
        wish: version (``12.8``; empty for the default of the release) and source (auto, distribution, nvidia).

    Returns:
        action, reason, release, source, packages, folder (of NVIDIA's repository) and bin (the folder that holds nvcc).
    """
    system = host["system"]
    nothing = {"release": "", "source": "", "packages": [], "folder": "", "bin": ""}
    own = CUDA_OF_DEBIAN.get(system["version"]) if system["id"] == "debian" else None
    folder = nvidia_packages.FOLDERS.get((system["id"], system["version"]))
    if not folder:
        return {**nothing, "action": "refuse", "reason": f"{system['name']} has no CUDA packages that this role knows."}
    source = (
        wish["source"]
        if wish["source"] != "auto"
        else "distribution"
        if own and wish["version"] in ("", own)
        else "nvidia"
    )
    release = wish["version"] or (own if source == "distribution" else "12.8") or ""
    refused = cuda_refused(host, source, release, own)
    if refused:
        return {**nothing, "action": "refuse", "reason": f"{refused} Nothing was changed."}
    plan = {
        "release": release,
        "source": source,
        "packages": ["nvidia-cuda-toolkit"]
        if source == "distribution"
        else [f"cuda-toolkit-{release.replace('.', '-')}"],
        "folder": folder if source == "nvidia" else "",
        "bin": "/usr/bin" if source == "distribution" else f"/usr/local/cuda-{release}/bin",
    }
    if all(name in host["packages"] for name in plan["packages"]):
        return {**plan, "action": "keep", "reason": f"CUDA {release} is installed."}
    origin = system["name"] if source == "distribution" else "NVIDIA's repository"
    return {**plan, "action": "install", "reason": f"CUDA {release} from {origin} will be installed."}


def cuda_refused(host: dict[str, Any], source: str, release: str, own: str | None) -> str:
    """Return why a CUDA cannot be had or would not run; empty when it can."""
    system, driver = host["system"], host["loaded"] or host["module"]["version"]
    major = numbers(release or "0")[0]
    if source == "distribution" and not own:
        return (
            f"{system['name']} has no CUDA 12 of its own. Set cuda_toolkit_source: nvidia for NVIDIA's repository or "
            "a mirror of it."
        )
    if source == "distribution" and release != own:
        return (
            f"{system['name']} has CUDA {own} and no other; {release} is asked for. Leave cuda_toolkit_version empty."
        )
    if source == "nvidia" and own and major < 13:
        return (
            f"NVIDIA's repository for {system['name']} begins with CUDA 13; {release} is asked for. Leave "
            f"cuda_toolkit_version empty for the distribution's {own}."
        )
    needed = DRIVER_FOR_CUDA.get(major)
    if needed and driver and numbers(driver) < numbers(needed):
        return f"CUDA {release} needs the driver {needed} or newer, and {driver} is here."
    return ""


def summary(host: dict[str, Any], plan: dict[str, Any], stage: dict[str, Any]) -> dict[str, Any]:
    """Summarise a host's GPU for later stages and the report; every value is for people to read, too.

    Args:
        host: what ``nvidia_probe`` returns at the end of the stage.
        plan: what nvidia_driver would decide now, empty where it has nothing to do.
        stage: what ``wanted`` returned.
    """
    versions = {host["packages"].get(name, "") for name in TOOLKIT}
    return {
        "used": stage["wanted"],
        "why": stage["reason"],
        "devices": [
            {
                "slot": each["slot"],
                "device": each["device"],
                "architecture": nvidia_devices.architecture(each["device"]),
                "bound": each["bound"],
            }
            for each in host["devices"]
        ],
        "wsl": bool(host["system"]["wsl"]),
        "driver": {
            "loaded": host["loaded"],
            "installed": host["module"]["version"],
            "modules": host["loaded_kind"] or host["module"]["kind"],
            "decision": plan.get("reason", ""),
        },
        "toolkit": min(versions) if len(versions) == 1 else "",
        "cuda": host["cuda"]["version"],
    }
