"""Machines for the tests of the stage gpu: as the module nvidia_probe describes them, and as files that it reads."""

from __future__ import annotations

import copy
import json
import shlex
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.annotation.server.plugins.module_utils import host_system
from ansible_collections.annotation.server.plugins.modules import nvidia_probe

ADA, AMPERE, TURING = "0x2684", "0x2230", "0x1eb8"
PASCAL, VOLTA, MAXWELL, KEPLER = "0x1b80", "0x1db4", "0x13c2", "0x102d"
BLACKWELL, HOPPER, FUTURE = "0x2b85", "0x2330", "0x3500"
NAMES = {
    "ubuntu 22.04": "Ubuntu 22.04.5 LTS", "ubuntu 24.04": "Ubuntu 24.04.3 LTS", "ubuntu 20.04": "Ubuntu 20.04.6 LTS",
    "debian 12": "Debian GNU/Linux 12 (bookworm)", "debian 13": "Debian GNU/Linux 13 (trixie)",
}  # fmt: skip
KERNELS = {
    "ubuntu 22.04": "6.8.0-85-generic", "ubuntu 24.04": "6.8.0-85-generic", "ubuntu 20.04": "5.4.0-216-generic",
    "debian 12": "6.1.0-40-amd64", "debian 13": "6.12.48+deb13-amd64",
}  # fmt: skip
WISH = {"source": "auto", "branch": "", "modules": "auto", "minimum": "525.60.13", "secure_boot_ok": False}
NO_MODULE = {"version": "", "kind": "", "signer": ""}


def cards(*ids: str, bound: str = "") -> list[dict[str, str]]:
    return [{"slot": f"0000:0{number}:00.0", "device": each, "bound": bound} for number, each in enumerate(ids, 1)]


def host(release: str, *ids: str, **changes: Any) -> dict[str, Any]:
    name, version = release.split()
    usual: dict[str, Any] = {
        "system": {"id": name, "version": version, "name": NAMES[release], "kernel": KERNELS[release], "wsl": 0},
        "devices": cards(*ids),
        "wsl_library": False,
        "secure_boot": "off",
        "mok_enrolled": False,
        "loaded": "",
        "loaded_kind": "",
        "nouveau": False,
        "module": NO_MODULE,
        "kernels": [],
        "packages": {},
        "held": [],
        "runfile": False,
        "smi": False,
    }
    merged = copy.deepcopy(usual)
    for key, value in changes.items():
        merged[key] = {**merged[key], **value} if key in ("system", "module") else value
    return merged


def runs(version: str, kind: str = "open", kernel: str = "") -> dict[str, Any]:
    """A driver that is installed and loaded."""
    module = {"version": version, "kind": kind, "signer": "x"}
    return {"loaded": version, "loaded_kind": kind, "module": module, "smi": True}


def module(version: str, kind: str = "open", signer: str = "Canonical") -> dict[str, str]:
    return {"version": version, "kind": kind, "signer": signer}


U = "ubuntu 24.04"
UBUNTU_580 = {
    "libnvidia-compute-580-server": "580.95.05-0ubuntu0.24.04.2",
    "nvidia-utils-580-server": "580.95.05-0ubuntu0.24.04.2",
    "nvidia-headless-no-dkms-580-server-open": "580.95.05-0ubuntu0.24.04.2",
    "linux-modules-nvidia-580-server-open-generic": "6.8.0-85.85+1",
}
UBUNTU_595 = {"nvidia-driver-595-open": "595.10-0ubuntu1", "libnvidia-compute-595": "595.10-0ubuntu1"}
DEBIAN_550 = {"libcuda1": "550.163.01-2", "nvidia-kernel-dkms": "550.163.01-2", "nvidia-smi": "550.163.01-2"}
DEBIAN_535 = {"libcuda1": "535.261.03-1", "nvidia-kernel-dkms": "535.261.03-1", "nvidia-smi": "535.261.03-1"}
NVIDIA_580 = {
    "nvidia-driver-cuda": "580.95.05-1", "nvidia-kernel-open-dkms": "580.95.05-1", "libcuda1": "580.95.05-1",
    "nvidia-driver-pinning-580": "580-1",
}  # fmt: skip

LICENSES = {"open": "Dual MIT/GPL", "proprietary": "NVIDIA", "": ""}
# What the kernel's own file says, for each kind of module.
LOADED = {
    "open": "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  {}  Release Build  (dvs-builder@U22)\n",
    "proprietary": "NVRM version: NVIDIA UNIX x86_64 Kernel Module  {}  Wed Nov  5 16:22:18 UTC 2025\n",
}
PROC_VERSION = {0: "Linux version 6.8.0 (gcc)", 2: "Linux version 5.15.167.4-microsoft-standard-WSL2 (root@x) (gcc)"}
MODINFO = """\
#!/bin/sh
# modinfo -b ROOT -k KERNEL -F FIELD MODULE
[ "$4" = {kernel} ] && [ "$7" = {name} ] || {{ echo "modinfo: ERROR: Module $7 not found." >&2; exit 1; }}
case $6 in
  version) echo {version} ;;
  license) echo {license} ;;
  signer) echo {signer} ;;
esac
"""
# The exit code is 1 for a key that is enrolled, as in most versions.
MOKUTIL = """\
#!/bin/sh
{enrolled} && {{ echo "$2 is already enrolled"; exit 1; }}
echo "$2 is not enrolled"
"""


def write(root: Path, path: str, content: str | bytes = "") -> None:
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content if isinstance(content, bytes) else content.encode())


def lay(machine: dict[str, Any], root: Path) -> None:
    """Write what the kernel, dpkg and the firmware would show of a machine."""
    system, kernel = machine["system"], machine["system"]["kernel"]
    release = f'ID={system["id"]}\nVERSION_ID="{system["version"]}"\nPRETTY_NAME="{system["name"]}"\n'
    write(root, "etc/os-release", release)
    write(root, "proc/version", PROC_VERSION[system["wsl"]])
    write(root, "proc/sys/kernel/osrelease", f"{kernel}\n")
    for device in machine["devices"]:
        at = f"sys/bus/pci/devices/{device['slot']}"
        for name, value in (("vendor", "0x10de"), ("class", "0x030000"), ("device", device["device"])):
            write(root, f"{at}/{name}", f"{value}\n")
        if device["bound"]:
            write(root, f"sys/bus/pci/drivers/{device['bound']}/bind")
            (root / at / "driver").symlink_to(root / "sys/bus/pci/drivers" / device["bound"])
    if machine["wsl_library"]:
        write(root, "dev/dxg")
        write(root, "usr/lib/wsl/lib/libcuda.so.1")
    if machine["secure_boot"] != "off":
        write(root, "sys/firmware/efi/config_table")
    if machine["secure_boot"] == "on":
        write(root, f"sys/firmware/efi/efivars/{host_system.SECURE_BOOT_VARIABLE}", b"\x06\x00\x00\x00\x01")
        write(root, "var/lib/dkms/mok.pub")
    if machine["loaded"]:
        write(root, "sys/module/nvidia/version", f"{machine['loaded']}\n")
    if machine["loaded_kind"]:
        write(root, "proc/driver/nvidia/version", LOADED[machine["loaded_kind"]].format(machine["loaded"]))
    if machine["nouveau"]:
        write(root, "sys/module/nouveau/refcnt", "1\n")
    for each in machine["kernels"]:
        write(root, f"lib/modules/{each}/modules.dep", "updates/dkms/nvidia.ko.zst:\n")
    status = "Package: {}\nStatus: {} ok installed\nVersion: {}\n\n"
    selections = {name: "hold" if name in machine["held"] else "install" for name in machine["packages"]}
    packages = [status.format(name, selections[name], version) for name, version in machine["packages"].items()]
    write(root, "var/lib/dpkg/status", "".join(packages))
    for there, path in ((machine["runfile"], "nvidia-uninstall"), (machine["smi"], "nvidia-smi")):
        if there:
            write(root, f"usr/bin/{path}")


def programs(machine: dict[str, Any], folder: Path) -> None:
    """Write a modinfo and a mokutil that say what they would say on that machine."""
    # Debian's own packages call the module otherwise.
    ours = machine["system"]["id"] == "debian" and "nvidia-driver-cuda" not in machine["packages"]
    values = {
        "kernel": machine["system"]["kernel"],
        "name": "nvidia-current" if ours else "nvidia",
        "version": machine["module"]["version"],
        "license": LICENSES[machine["module"]["kind"]],
        "signer": machine["module"]["signer"],
    }
    enrolled = "true" if machine["mok_enrolled"] else "false"
    for name, text in (
        ("modinfo", MODINFO.format(**{key: shlex.quote(value) for key, value in values.items()})),
        ("mokutil", MOKUTIL.format(enrolled=enrolled)),
    ):
        write(folder, name, text)
        (folder / name).chmod(0o755)


class Probe:
    """Has the real module nvidia_probe look at a machine that is laid out in files."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.capsys = folder, capsys
        # Before the programs of the machine that runs the tests, and with a shell.
        monkeypatch.setenv("PATH", f"{folder / 'bin'}:/usr/bin:/bin")

    def __call__(self, machine: dict[str, Any]) -> dict[str, Any]:
        lay(machine, self.folder / "root")
        programs(machine, self.folder / "bin")
        with patch_module_args({"root": str(self.folder / "root")}), pytest.raises(SystemExit):
            nvidia_probe.main()
        seen: dict[str, Any] = json.loads(self.capsys.readouterr().out)["host"]
        # Otherwise the case would be about another machine than its row says.
        assert {key: seen[key] for key in machine if key != "system"} == {
            k: v for k, v in machine.items() if k != "system"
        }
        assert machine["system"].items() <= seen["system"].items()
        return seen
