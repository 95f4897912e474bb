"""What the stage gpu decides besides the driver, and how it reads hosts, keys and package sources."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.annotation.server.plugins.module_utils import (
    apt_sources,
    nvidia_host,
    nvidia_stage,
    openpgp_key,
)
from nvidia_machine import ADA, U, cards, host, runs, write

KEYS = Path(__file__).resolve().parents[2] / "roles/apt_repository/files"
TOOLKIT = dict.fromkeys(nvidia_stage.TOOLKIT, "1.20.0-1")


@pytest.mark.parametrize(
    ("machine", "wish", "wanted", "says"),
    [
        (host(U, ADA), "auto", True, "This host has Ada (0000:01:00.0)."),
        (host(U, ADA), True, True, "This host has Ada"),
        (host(U, ADA), False, False, "annotation_server_gpu is false"),
        (host(U, ADA), "False", False, "annotation_server_gpu is false"),
        (host(U), "auto", False, "the stage gpu is left out, models run on the processor"),
        (host(U), True, True, "annotation_server_gpu is true, and no NVIDIA device is there"),
        (host(U, devices=cards(ADA, bound="vfio-pci")), "auto", False, "no NVIDIA device that is not kept for virtual"),
        (host(U, system={"wsl": 2}, wsl_library=True), "auto", True, "Windows lends it a GPU"),
        (host(U, system={"wsl": 2}), "auto", False, "WSL2 without a GPU"),
        (host(U, system={"wsl": 2}), "true", True, "WSL2 without a GPU"),
    ],
)
def test_stage(machine: dict[str, Any], wish: Any, wanted: bool, says: str) -> None:
    found = nvidia_stage.wanted(machine, wish)
    assert found["wanted"] is wanted
    assert says in found["reason"]


@pytest.mark.parametrize(
    ("installed", "version", "action", "says"),
    [
        ({}, "1.20.0", "install", "now: none"),
        (TOOLKIT, "1.20.0", "keep", "1.20.0-1 is installed"),
        (TOOLKIT, "1.19.1", "keep", "1.20.0-1 is installed"),
        (TOOLKIT, "1.21.0", "install", "now: 1.20.0-1"),
        ({**TOOLKIT, "libnvidia-container1": "1.17.8-1"}, "1.20.0", "install", "now: 1.17.8-1, 1.20.0-1"),
        ({"nvidia-container-toolkit": "1.14.3-1"}, "1.20.0", "install", "now: 1.14.3-1"),
        ({}, "1.17.8", "refuse", "let a container take over the host"),
    ],
)
def test_toolkit(installed: dict[str, str], version: str, action: str, says: str) -> None:
    found = nvidia_stage.toolkit(host(U, ADA, packages=installed), {"version": version})
    assert (found["action"], says in found["reason"]) == (action, True), found
    if action == "install":
        assert sorted(found["packages"]) == sorted(f"{name}={version}-1" for name in TOOLKIT)


@pytest.mark.parametrize(
    ("engine", "cdi"), [("", True), ("29.3.1", True), ("26.1.5+dfsg1", True), ("25.0.0", True), ("24.0.7", False)]
)
def test_docker_settings(engine: str, cdi: bool) -> None:
    found = nvidia_stage.docker_settings(engine)
    assert found["runtimes"] == {"nvidia": {"path": "nvidia-container-runtime", "args": []}}
    assert found.get("features") == ({"cdi": True} if cdi else None)


@pytest.mark.parametrize(
    ("release", "wish", "changes", "action", "packages", "says"),
    [
        ("ubuntu 24.04", {}, {}, "install", ["cuda-toolkit-12-8"], "CUDA 12.8 from NVIDIA's repository"),
        ("ubuntu 22.04", {"version": "12.6"}, {}, "install", ["cuda-toolkit-12-6"], "12.6"),
        ("debian 12", {}, {}, "install", ["cuda-toolkit-12-8"], "NVIDIA's repository"),
        ("debian 13", {}, {}, "install", ["nvidia-cuda-toolkit"], "CUDA 12.4 from Debian"),
        ("debian 13", {"version": "12.4"}, {}, "install", ["nvidia-cuda-toolkit"], "12.4"),
        ("debian 13", {"version": "12.8"}, {}, "refuse", [], "begins with CUDA 13"),
        ("debian 13", {"version": "13.0"}, runs("580.95.05"), "install", ["cuda-toolkit-13-0"], "13.0"),
        ("debian 13", {"version": "13.0"}, runs("550.163.01"), "refuse", [], "needs the driver 580.65.06 or newer"),
        ("debian 13", {"version": "12.8", "source": "distribution"}, {}, "refuse", [], "has CUDA 12.4 and no other"),
        ("debian 12", {"source": "distribution"}, {}, "refuse", [], "no CUDA 12 of its own"),
        ("ubuntu 24.04", {}, runs("470.1"), "refuse", [], "needs the driver 525.60.13"),
        ("ubuntu 20.04", {}, {}, "refuse", [], "no CUDA packages that this role knows"),
        (
            "ubuntu 24.04",
            {},
            {"packages": {"cuda-toolkit-12-8": "12.8.1-1"}},
            "keep",
            ["cuda-toolkit-12-8"],
            "installed",
        ),
        ("ubuntu 24.04", {}, {"system": {"wsl": 2}}, "install", ["cuda-toolkit-12-8"], "12.8"),
    ],
)
def test_cuda(
    release: str, wish: dict[str, str], changes: dict[str, Any], action: str, packages: list[str], says: str
) -> None:
    found = nvidia_stage.cuda(host(release, ADA, **changes), {"version": "", "source": "auto", **wish})
    assert (found["action"], found["packages"]) == (action, packages), found
    assert says in found["reason"]
    folder = {"cuda-toolkit-12-8": "/usr/local/cuda-12.8/bin", "nvidia-cuda-toolkit": "/usr/bin"}
    if packages and packages[0] in folder:
        assert found["bin"] == folder[packages[0]]


def test_summary() -> None:
    machine = {**host(U, ADA, packages=TOOLKIT, **runs("580.95.05")), "cuda": {"version": "12.8.93"}}
    stage = nvidia_stage.wanted(machine, "auto")
    found = nvidia_stage.summary(machine, {"reason": "The driver is installed."}, stage)
    assert found["devices"] == [{"slot": "0000:01:00.0", "device": ADA, "architecture": "Ada", "bound": ""}]
    assert found["driver"]["loaded"] == "580.95.05" and found["driver"]["modules"] == "open"
    assert (found["toolkit"], found["cuda"], found["used"]) == ("1.20.0-1", "12.8.93", True)


def test_reading_a_host_with_a_running_driver(tmp_path: Path) -> None:
    write(tmp_path, "etc/os-release", 'ID=debian\nVERSION_ID="13"\nVERSION_CODENAME=trixie\nPRETTY_NAME="Debian 13"\n')
    write(tmp_path, "proc/sys/kernel/osrelease", "6.12.48+deb13-amd64\n")
    for slot, device in (("0000:01:00.0", "0x2684"), ("0000:02:00.0", "0x1b80")):
        for name, value in (("vendor", "0x10de"), ("class", "0x030000"), ("device", device)):
            write(tmp_path, f"sys/bus/pci/devices/{slot}/{name}", value + "\n")
    write(tmp_path, "sys/bus/pci/drivers/vfio-pci/bind")
    (tmp_path / "sys/bus/pci/devices/0000:02:00.0/driver").symlink_to(tmp_path / "sys/bus/pci/drivers/vfio-pci")
    write(tmp_path, "sys/module/nvidia/version", "580.95.05\n")
    line = "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.95.05  Release Build\n"
    write(tmp_path, "proc/driver/nvidia/version", line)
    write(
        tmp_path, "lib/modules/6.12.48+deb13-amd64/modules.dep", "updates/dkms/nvidia-current.ko.xz:\nkernel/x.ko.xz:\n"
    )
    write(tmp_path, "lib/modules/6.12.40+deb13-amd64/modules.dep", "kernel/drivers/nvidia_x.ko:\n")
    status = "Package: {}\nStatus: {} ok installed\nVersion: {}\n\n"
    packages = [("libcuda1", "hold", "580.95.05-1"), ("nvidia-smi", "install", "580.95.05-1"), ("bash", "install", "5")]
    write(tmp_path, "var/lib/dpkg/status", "".join(status.format(*each) for each in packages))
    write(tmp_path, "usr/bin/nvidia-smi")

    found = nvidia_host.describe(tmp_path)
    assert [(each["device"], each["bound"]) for each in found["devices"]] == [("0x2684", ""), ("0x1b80", "vfio-pci")]
    assert (found["loaded"], found["loaded_kind"], found["nouveau"]) == ("580.95.05", "open", False)
    assert found["kernels"] == ["6.12.48+deb13-amd64"] and found["system"]["kernel"] == "6.12.48+deb13-amd64"
    assert found["packages"] == {"libcuda1": "580.95.05-1", "nvidia-smi": "580.95.05-1"}
    assert found["held"] == ["libcuda1"]
    assert (found["smi"], found["runfile"], found["secure_boot"]) == (True, False, "off")


def test_reading_other_states(tmp_path: Path) -> None:
    write(tmp_path, "sys/module/nouveau/refcnt", "1")
    write(tmp_path, "usr/bin/nvidia-uninstall")
    name = "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
    write(tmp_path, name, b"\x06\x00\x00\x00\x01")
    found = nvidia_host.describe(tmp_path)
    assert (found["nouveau"], found["runfile"], found["secure_boot"]) == (True, True, "on")
    assert (found["loaded"], found["devices"], found["kernels"]) == ("", [], [])


@pytest.mark.parametrize(("text", "kind"), [("Dual MIT/GPL", "open"), ("NVIDIA", "proprietary"), ("", "")])
def test_kind_of_license(text: str, kind: str) -> None:
    assert nvidia_host.kind_of_license(text) == kind


DEB822 = """# Debian's own
Types: deb
URIs: http://deb.debian.org/debian
Suites: trixie trixie-updates
Components: main non-free-firmware
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://deb.debian.org/debian-security
Suites: trixie-security
Components: main

Enabled: no
Types: deb
URIs: http://example.org/debian
Suites: trixie
Components: contrib non-free
"""


def test_sources_in_both_formats() -> None:
    found = apt_sources.own({"/etc/apt/sources.list.d/debian.sources": DEB822}, "trixie")
    assert found["uris"] == ["http://deb.debian.org/debian"] and found["suites"] == ["trixie", "trixie-updates"]
    assert found["components"] == ["main", "non-free-firmware"]
    assert found["signed_by"] == "/usr/share/keyrings/debian-archive-keyring.gpg"
    line = (
        "deb [arch=amd64 signed-by=/k.gpg] https://mirror/debian bookworm main contrib # ours\n#deb http://x x main\n"
    )
    found = apt_sources.own({"/etc/apt/sources.list": line}, "bookworm")
    assert (found["uris"], found["signed_by"]) == (["https://mirror/debian"], "/k.gpg")
    assert found["components"] == ["main", "contrib"]
    assert apt_sources.own({"/etc/apt/sources.list": line}, "trixie")["uris"] == []


@pytest.mark.parametrize(
    ("name", "fingerprint"),
    [
        ("nvidia-cuda.asc", "EB693B3035CD5710E231E123A4B469963BF863CC"),
        ("nvidia-container-toolkit.asc", "C95B321B61E88C1809C4F759DDCAE044F796ECB0"),
    ],
)
def test_the_keys_that_travel_with_the_collection(name: str, fingerprint: str) -> None:
    armoured = (KEYS / name).read_bytes()
    assert openpgp_key.fingerprints(armoured) == [fingerprint]
    assert openpgp_key.fingerprints(openpgp_key.unarmour(armoured)) == [fingerprint]


def test_newer_packet_headers_and_damage() -> None:
    body = b"\x04" + b"k" * 300
    packet = b"\xc6" + bytes([192 + ((301 - 192) >> 8), (301 - 192) & 0xFF]) + body
    assert openpgp_key.fingerprints(packet) == openpgp_key.fingerprints(b"\xc6\xff" + (301).to_bytes(4, "big") + body)
    armoured = (
        b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n"
        + base64.b64encode(packet)
        + b"\n=abcd\n-----END PGP PUBLIC KEY BLOCK-----\n"
    )
    assert openpgp_key.fingerprints(armoured) == openpgp_key.fingerprints(packet)
    for broken in (b"<html>not found</html>", b"", packet[:2], b"\xc6\xe0xx", b"\x9bxx"):
        with pytest.raises(openpgp_key.KeyError_):
            openpgp_key.fingerprints(broken)
