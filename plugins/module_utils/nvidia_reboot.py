"""What it takes until the installed NVIDIA driver runs, above all whether that is a reboot. Pure functions.

Each decision is an action (``nothing``, ``modprobe``, ``reboot``, ``cannot``) and a sentence for people.
"""

from __future__ import annotations

import re
from typing import Any

from ansible_collections.annotation.server.plugins.module_utils import nvidia_packages
from ansible_collections.annotation.server.plugins.module_utils.nvidia_packages import numbers


def decision(action: str, reason: str) -> dict[str, str]:
    """Put a decision together."""
    return {"action": action, "reason": reason}


def reboot(host: dict[str, Any]) -> dict[str, str]:
    """Decide what it takes until the installed driver runs.

    Args:
        host: what the module ``nvidia_probe`` returns, after the installation.

    Returns:
        action and reason.
    """
    if host["system"]["wsl"]:
        return decision("nothing", "This is WSL2: the driver comes from Windows.")
    if not host["module"]["version"]:
        return without_module(host)
    return while_loaded(host) if host["loaded"] else while_not_loaded(host)


def while_loaded(host: dict[str, Any]) -> dict[str, str]:
    """Decide for a driver in the kernel, and a module of it on the disk."""
    kernel, loaded, module = host["system"]["kernel"], host["loaded"], host["module"]
    clash = "programs say 'Driver/library version mismatch'"
    if loaded != module["version"]:
        reason = f"The driver {loaded} runs, and {module['version']} is installed: until a reboot, {clash}."
        return decision("reboot", reason)
    if host["loaded_kind"] and module["kind"] and host["loaded_kind"] != module["kind"]:
        kinds = (
            f"The {host['loaded_kind']} kernel modules of {loaded} run, and the {module['kind']} ones are installed."
        )
        return decision("reboot", kinds)
    if not mismatch(host):
        return decision("nothing", f"The driver {loaded} runs.")
    reason = f"The driver {loaded} runs, and its libraries are of {mismatch(host)}: {clash}."
    if any(numbers_of_kernel(each) > numbers_of_kernel(kernel) for each in host["kernels"]):
        return decision("reboot", f"{reason} The next boot starts a newer kernel that has a module.")
    cure = f"There is no module of that version for {kernel}: install one, or boot a kernel that has it."
    return decision("cannot", f"{reason} {cure}")


def while_not_loaded(host: dict[str, Any]) -> dict[str, str]:
    """Decide for a module on the disk that the kernel has not loaded."""
    kernel, version = host["system"]["kernel"], host["module"]["version"]
    if host["secure_boot"] == "on" and not host["module"]["signer"]:
        return decision(
            "cannot",
            f"Secure Boot is on, and the module of {version} for {kernel} is not signed: the kernel refuses it. Enrol "
            "the key of dkms (mokutil --import /var/lib/dkms/mok.pub) at the console, or switch Secure Boot off.",
        )
    if host["nouveau"]:
        return decision(
            "reboot",
            "The module nouveau holds the card, and it cannot be taken away while the host runs; "
            f"{version} is installed and takes over at the next boot.",
        )
    return decision("modprobe", f"The driver {version} is installed and is loaded now.")


def without_module(host: dict[str, Any]) -> dict[str, str]:
    """Decide for a running kernel without the driver's module."""
    kernel = host["system"]["kernel"]
    others = [each for each in host["kernels"] if each != kernel]
    newest = max(others, key=numbers_of_kernel, default="")
    if host["loaded"]:
        gone = f"The driver {host['loaded']} still runs, but its module for {kernel} is gone from the disk"
        if newest:
            return decision("reboot", f"{gone}; it is there for {newest}.")
        return decision("cannot", f"{gone}: install the driver again before the next boot.")
    if newest:
        elsewhere = f"The kernel {kernel} runs, and the driver's module is there for {newest}"
        if numbers_of_kernel(newest) > numbers_of_kernel(kernel):
            return decision("reboot", f"{elsewhere}, which the next boot starts.")
        return decision("cannot", f"{elsewhere} only. Boot that one, or install the headers of {kernel}.")
    return decision(
        "cannot",
        f"There is no NVIDIA module for the running kernel {kernel}. If it is built on the host, look why that failed: "
        f"dkms status, /var/lib/dkms/nvidia*/*/build/make.log, and whether linux-headers-{kernel} is installed.",
    )


def mismatch(host: dict[str, Any]) -> str:
    """Return the version of the libraries when it is not that of the module on the disk; empty when they agree.

    Ubuntu's prebuilt modules are packages of their own: an upgrade may bring new libraries and leave the module of the
    running kernel behind.
    """
    library, module = nvidia_packages.library(host["packages"]), host["module"]["version"]
    return library if library and module and nvidia_packages.upstream(library) != numbers(module) else ""


def numbers_of_kernel(kernel: str) -> tuple[int, ...]:
    """Turn a kernel's name into numbers that can be compared."""
    return tuple(int(part) for part in re.findall(r"\d+", kernel)[:4])


def foretell(plan: dict[str, Any], host: dict[str, Any]) -> str:
    """Say, before anything is installed, whether a reboot would come."""
    if plan["action"] not in ("install", "replace"):
        return reboot(host)["reason"] if plan["action"] == "keep" else ""
    if host["loaded"]:
        return f"A reboot would be needed: the driver {host['loaded']} runs until then."
    if host["nouveau"]:
        return "A reboot would be needed: nouveau holds the card until then."
    return "No reboot would be needed, unless the packages bring a newer kernel."
