"""What a host has from NVIDIA: devices, modules, packages. Reads files only, changes nothing.

Every function takes ``root``, the folder that holds ``proc``, ``sys``, ``etc``, ``usr`` and ``var``, so that tests
can show it any machine.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ansible_collections.annotation.server.plugins.module_utils import apt_sources, host_system
from ansible_collections.annotation.server.plugins.module_utils.host_system import read

INTERESTING = re.compile(
    r"^(nvidia-|libnvidia-|libcuda|libnv|linux-|cuda-|firmware-nvidia-|xserver-xorg-video-nvidia|dkms$|mokutil$|docker|"
    r"unattended-upgrades$)"
)


def kernel(root: Path) -> str:
    """Return the running kernel's release, as uname(2) says it."""
    return read(root / "proc/sys/kernel/osrelease").strip() or host_system.system(root)["kernel"]


def devices(root: Path) -> list[dict[str, str]]:
    """List NVIDIA display devices with the kernel driver that holds them."""
    found = host_system.graphics(root)["devices"]
    for device in found:
        link = root / "sys/bus/pci/devices" / device["slot"] / "driver"
        device["bound"] = link.resolve().name if link.exists() else ""
    return found


def loaded(root: Path) -> tuple[str, str]:
    """Return version and kind (``open``, ``proprietary``) of the module in the kernel; empty when there is none."""
    version = read(root / "sys/module/nvidia/version").strip()
    told = read(root / "proc/driver/nvidia/version")
    kind = "" if not told else ("open" if "Open Kernel Module" in told else "proprietary")
    return version, kind if version else ""


def kernels(root: Path) -> list[str]:
    """List the kernels for which depmod knows the driver's module; Debian's own packages call it nvidia-current."""
    wanted = re.compile(r"^[^:]*\bnvidia(-current)?(-open)?\.ko[^:/]*:", flags=re.MULTILINE)
    folders = sorted((root / "lib/modules").glob("*"))
    return [folder.name for folder in folders if wanted.search(read(folder / "modules.dep"))]


def packages(root: Path) -> tuple[dict[str, str], list[str]]:
    """Return the packages that matter here with their versions, and those that are on hold."""
    installed, held = {}, []
    for block in read(root / "var/lib/dpkg/status").split("\n\n"):
        fields = dict(re.findall(r"^(Package|Status|Version): (.*)$", block, flags=re.MULTILINE))
        name, status = fields.get("Package", ""), fields.get("Status", "").split()
        if INTERESTING.match(name) and status[2:] == ["installed"]:
            installed[name] = fields["Version"]
            if status[0] == "hold":
                held.append(name)
    return installed, sorted(held)


def sources(root: Path, codename: str) -> dict[str, Any]:
    """Return where the distribution's own packages come from; see apt_sources.own."""
    folder = root / "etc/apt/sources.list.d"
    paths = [root / "etc/apt/sources.list", *folder.glob("*.list"), *folder.glob("*.sources")]
    return apt_sources.own({str(path): read(path) for path in paths}, codename)


def describe(root: Path) -> dict[str, Any]:
    """Collect everything that files tell."""
    system = {**host_system.system(root), "kernel": kernel(root)}
    version, kind = loaded(root)
    installed, held = packages(root)
    return {
        "system": system,
        "devices": devices(root),
        "wsl_library": host_system.graphics(root)["wsl"],
        "secure_boot": host_system.secure_boot(root),
        "loaded": version,
        "loaded_kind": kind,
        "nouveau": (root / "sys/module/nouveau").is_dir(),
        "kernels": kernels(root),
        "packages": installed,
        "held": held,
        # What NVIDIA's installer leaves, and no package has.
        "runfile": (root / "usr/bin/nvidia-uninstall").exists() or (root / "usr/bin/nvidia-installer").exists(),
        "smi": (root / "usr/bin/nvidia-smi").exists() or (root / "usr/lib/wsl/lib/nvidia-smi").exists(),
        "sources": sources(root, system["codename"]),
    }


def kind_of_license(license_: str) -> str:
    """Tell the kind of a module from its licence: only the open ones have one that the kernel calls free."""
    return "" if not license_ else ("open" if "GPL" in license_ else "proprietary")
