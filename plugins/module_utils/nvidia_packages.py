"""Which packages the NVIDIA driver consists of on which release, and which branch that gives. Pure functions.

Sources: the package lists of both distributions (November 2026); NVIDIA's driver installation guide for its own
repository (compute-only packages on Debian, meta-packages on Ubuntu, branch pinning).
"""

from __future__ import annotations

import re
from typing import Any

DEFAULT_BRANCH = 580
# Ubuntu keeps these names as empty packages that bring another branch.
TRANSITIONAL = {550: 580, 555: 580, 560: 580, 565: 580, 570: 580, 575: 580, 590: 595}
UBUNTU_BRANCHES = (580, 595, 615)
# Kernels that Ubuntu builds and signs the modules for.
UBUNTU_FLAVOURS = ("generic", "lowlatency", "aws", "azure", "gcp", "gke", "ibm", "nvidia", "oem", "oracle")
# Debian has one branch per release.
DEBIAN_BRANCHES = {"12": 535, "13": 550}
# Folders of NVIDIA's repository.
FOLDERS = {
    ("debian", "12"): "debian12",
    ("debian", "13"): "debian13",
    ("ubuntu", "22.04"): "ubuntu2204",
    ("ubuntu", "24.04"): "ubuntu2404",
}
# NVIDIA's own packages build their modules with dkms of at least this version from this branch on.
DKMS_NEEDED, DKMS_NEEDED_FROM = (3, 1, 8), 570
DKMS_OF_RELEASE = {"12": (3, 0, 10), "13": (3, 2, 2)}

# What belongs together: another version of one of these beside a running driver is "Driver/library version mismatch".
# Beginnings of names, without backslashes: they also stand in a file for unattended-upgrades.
DRIVER_NAMES = (
    "nvidia-(?!container|docker|cuda-)",
    "libnvidia-(?!container)",
    "linux-(modules|objects|signatures)-nvidia-",
    "cuda-drivers",
    "(libcuda1|libcudadebugger1|libnvcuvid1|libnvoptix1)$",
    "firmware-nvidia-",
    "xserver-xorg-video-nvidia",
)
# Meta-packages that bring new kernels.
KERNEL_NAMES = (
    "linux-(image-|headers-|modules-extra-)?(generic|lowlatency|virtual|kvm|aws|azure|gcp|gke|oracle|ibm|oem|nvidia|amd64|"
    "cloud-amd64|rt-amd64)(-hwe)?(-[0-9][0-9][.][0-9][0-9][a-z]?)?(-edge)?$",
)


def numbers(version: str) -> tuple[int, ...]:
    """Turn a version into numbers that can be compared; Debian's epoch does not count."""
    return tuple(int(part) for part in re.findall(r"\d+", re.sub(r"^\d+:", "", version))[:3])


def kernel_flavour(kernel: str) -> str:
    """Return ``generic`` of ``6.8.0-45-generic``, and ``amd64`` of ``6.12.48+deb13-amd64``."""
    match = re.match(r"^\d[\w.+~]*(?:-\d+)?-(.+)$", kernel)
    return match.group(1) if match else ""


def kernel_meta(kernel: str, installed: dict[str, str]) -> str:
    """Return what a package for the coming kernels ends with: ``generic``, ``generic-hwe-22.04``, ``aws``."""
    flavour = kernel_flavour(kernel)
    for name in sorted(installed):
        match = re.match(rf"^linux-(?:image-)?({re.escape(flavour)}-hwe-\d\d\.\d\d(?:-edge)?)$", name)
        if match:
            return match.group(1)
    return flavour


def ubuntu(branch: int, modules: str, kernel: str, installed: dict[str, str]) -> list[str]:
    """Ubuntu's packages without a desktop. The modules are prebuilt and signed: no compiler, no key to enrol."""
    kind = "-open" if modules == "open" else ""
    prebuilt = f"linux-modules-nvidia-{branch}-server{kind}"
    # For this kernel and, by the meta-package, for every coming one.
    return [
        f"{prebuilt}-{kernel}",
        f"{prebuilt}-{kernel_meta(kernel, installed)}",
        f"nvidia-headless-no-dkms-{branch}-server{kind}",
        f"nvidia-utils-{branch}-server",
        f"libnvidia-encode-{branch}-server",
        f"libnvidia-decode-{branch}-server",
    ]


def headers(kernel: str) -> list[str]:
    """Kernel headers that dkms builds with, for this kernel and for every coming one."""
    return [f"linux-headers-{kernel}", f"linux-headers-{kernel_flavour(kernel)}"]


def debian(modules: str, kernel: str) -> list[str]:
    """Debian's own packages (contrib, non-free, non-free-firmware) without a desktop."""
    dkms = "nvidia-open-kernel-dkms" if modules == "open" else "nvidia-kernel-dkms"
    libraries = ["libcuda1", "libnvidia-cfg1", "libnvidia-encode1", "libnvcuvid1"]
    return [*headers(kernel), dkms, "nvidia-smi", "nvidia-persistenced", *libraries]


def nvidia(release: str, branch: int, modules: str, kernel: str) -> list[str]:
    """Packages of NVIDIA's repository: on Debian without a desktop, on Ubuntu the meta-packages."""
    pinning = f"nvidia-driver-pinning-{branch}"
    if release == "ubuntu":
        return [*headers(kernel), pinning, "nvidia-open" if modules == "open" else "cuda-drivers"]
    dkms = "nvidia-kernel-open-dkms" if modules == "open" else "nvidia-kernel-dkms"
    return [*headers(kernel), pinning, "nvidia-driver-cuda", dkms, "nvidia-persistenced"]


def packages(source: str, system: dict[str, Any], branch: int, modules: str, installed: dict[str, str]) -> list[str]:
    """Return the packages of a source on a release."""
    if source == "nvidia":
        return nvidia(system["id"], branch, modules, system["kernel"])
    if system["id"] == "ubuntu":
        return ubuntu(branch, modules, system["kernel"], installed)
    return debian(modules, system["kernel"])


def is_built_here(source: str, system: dict[str, Any]) -> bool:
    """Tell whether the modules are built on the host (by dkms) instead of coming signed."""
    return source == "nvidia" or system["id"] != "ubuntu"


def dkms_too_old(system: dict[str, Any], branch: int, installed: dict[str, str]) -> str:
    """Return the version of dkms that is too old for NVIDIA's own packages of a branch; empty when it is not."""
    if branch < DKMS_NEEDED_FROM or system["id"] != "debian":
        return ""
    have = numbers(installed["dkms"]) if "dkms" in installed else DKMS_OF_RELEASE[system["version"]]
    return ".".join(map(str, have)) if have < DKMS_NEEDED else ""


def installed_branch(installed: dict[str, str]) -> int:
    """Return the branch of the installed driver; 0 without one.

    Libraries tell it best: on Ubuntu a meta-package of one branch may be an empty one that brings another.
    """
    telling = r"^(libcuda1|libnvidia-compute(-\d+(-server)?)?|libnvidia-ml1|nvidia-(kernel-dkms|kernel-open-dkms|smi))$"
    found = [numbers(version)[0] for name, version in installed.items() if re.match(telling, name) and numbers(version)]
    return max(found, default=0)


def upstream(version: str) -> tuple[int, ...]:
    """Return the driver's own version of a package's: without epoch and revision."""
    return numbers(re.sub(r"-[^-]*$", "", version))


def library(installed: dict[str, str]) -> str:
    """Return the version of the package with the driver's libraries; empty without one."""
    telling = r"^(libcuda1|libnvidia-compute(-\d+(-server)?)?|libnvidia-ml1)$"
    found = [version for name, version in installed.items() if re.match(telling, name)]
    return max(found, key=upstream, default="")


def names_kept(with_kernel: bool) -> list[str]:
    """Return patterns for the names of packages that must change together or not at all."""
    return [*DRIVER_NAMES, *(KERNEL_NAMES if with_kernel else ())]


def keep_together(installed: dict[str, str], with_kernel: bool) -> list[str]:
    """Return the installed ones of them: driver, libraries, modules, kernels."""
    return sorted(name for name in installed if any(re.match(kept, name) for kept in names_kept(with_kernel)))
