"""What a Linux host is made of: release, processor, memory, devices, boot. Reads files only, changes nothing.

Standard library only. Every function takes ``root``, the folder that holds ``proc``, ``sys``, ``etc``, ``run`` and
``var``, so that tests can show it any machine.
"""

from __future__ import annotations

import os
import platform
import re
import sys
from pathlib import Path
from typing import Any

NVIDIA = "0x10de"
# PCI classes 0x0300 (VGA), 0x0302 (3D controller) and 0x0380 (other display controller).
DISPLAY_CLASSES = ("0x0300", "0x0302", "0x0380")
SECURE_BOOT_VARIABLE = "SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"


def read(path: Path) -> str:
    """Return a file's text, or nothing where it is missing or may not be read."""
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def system(root: Path) -> dict[str, Any]:
    """Name the operating system, its release and the machine (source: os-release(5), uname(2))."""
    pairs = re.findall(r"^(\w+)=[\"']?(.*?)[\"']?\s*$", read(root / "etc/os-release"), flags=re.MULTILINE)
    release = dict(pairs)
    version = read(root / "proc/version").lower()
    wsl = 0 if "microsoft" not in version else (2 if "wsl2" in version or "microsoft-standard" in version else 1)
    return {
        "system": platform.system(),
        "machine": platform.machine(),
        "kernel": platform.release(),
        "id": release.get("ID", ""),
        "name": release.get("PRETTY_NAME", platform.system()),
        "version": release.get("VERSION_ID", ""),
        "codename": release.get("VERSION_CODENAME", ""),
        "wsl": wsl,
        "python": ".".join(str(part) for part in sys.version_info[:3]),
        "is_root": os.geteuid() == 0,
        "hostname": platform.node(),
    }


def processor(root: Path) -> dict[str, Any]:
    """Count the processors this process may use and list what their instruction set offers."""
    flags = re.search(r"^flags\s*:\s*(.*)$", read(root / "proc/cpuinfo"), flags=re.MULTILINE)
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    wanted = ("ssse3", "sse4_1", "sse4_2", "popcnt", "avx2")
    present = set(flags.group(1).split()) if flags else None
    return {"count": count, "lacks": [] if present is None else [flag for flag in wanted if flag not in present]}


def memory(root: Path) -> dict[str, int]:
    """Return the memory in bytes (source: proc_meminfo(5), which counts in KiB)."""
    found = dict(re.findall(r"^(\w+):\s+(\d+) kB", read(root / "proc/meminfo"), flags=re.MULTILINE))
    return {
        "total": int(found.get("MemTotal", 0)) * 1024,
        "available": int(found.get("MemAvailable", 0)) * 1024,
        "swap": int(found.get("SwapTotal", 0)) * 1024,
    }


def control_groups(root: Path) -> str:
    """Return ``v2``, ``hybrid``, ``v1`` or ``none`` (source: systemd's CGROUP_DELEGATION)."""
    base = root / "sys/fs/cgroup"
    if (base / "cgroup.controllers").exists():
        return "v2"
    if (base / "unified/cgroup.controllers").exists() or (base / "unified/cgroup.procs").exists():
        return "hybrid"
    return "v1" if (base / "memory").exists() or (base / "cpu").exists() else "none"


def is_systemd(root: Path) -> bool:
    """Tell whether systemd runs this host (source: sd_booted(3))."""
    return (root / "run/systemd/system").is_dir()


def graphics(root: Path) -> dict[str, Any]:
    """List NVIDIA display devices on the PCI bus, and what WSL2 offers in their place (``/dev/dxg``)."""
    devices = []
    for device in sorted((root / "sys/bus/pci/devices").glob("*")):
        if read(device / "vendor").strip() == NVIDIA and read(device / "class").strip()[:6] in DISPLAY_CLASSES:
            devices.append({"slot": device.name, "device": read(device / "device").strip()})
    driver = re.search(r"Kernel Module.*?\s(\d+(?:\.\d+)+)\s", read(root / "proc/driver/nvidia/version"))
    return {
        "devices": devices,
        "wsl": (root / "dev/dxg").exists() and (root / "usr/lib/wsl/lib/libcuda.so.1").exists(),
        "driver": driver.group(1) if driver else "",
    }


def secure_boot(root: Path) -> str:
    """Return ``on``, ``off`` or ``unknown``.

    The EFI variable holds four bytes of attributes and one byte of value (source: UEFI specification, 3.3;
    the kernel's efivarfs). A host without EFI cannot have Secure Boot.
    """
    if not (root / "sys/firmware/efi").exists():
        return "off"
    try:
        content = (root / "sys/firmware/efi/efivars" / SECURE_BOOT_VARIABLE).read_bytes()
    except OSError:
        return "unknown"
    return "unknown" if len(content) < 5 else ("on" if content[4] else "off")


def packages(root: Path, names: list[str]) -> dict[str, Any]:
    """Return the installed versions of the named Debian packages, and whether dpkg was interrupted.

    Source: dpkg's status file and its folder ``updates``, which is empty unless dpkg was stopped half-way.
    """
    installed, broken = {}, []
    for block in read(root / "var/lib/dpkg/status").split("\n\n"):
        fields = dict(re.findall(r"^(Package|Status|Version): (.*)$", block, flags=re.MULTILINE))
        status = fields.get("Status", "").split()
        if status[2:] == ["installed"] and fields["Package"] in names:
            installed[fields["Package"]] = fields["Version"]
        elif status[2:] and status[2] in ("half-installed", "half-configured", "unpacked"):
            broken.append(fields["Package"])
    journal = root / "var/lib/dpkg/updates"
    interrupted = journal.is_dir() and any(entry.name.isdigit() for entry in journal.iterdir())
    return {"installed": installed, "broken": broken, "interrupted": interrupted}
