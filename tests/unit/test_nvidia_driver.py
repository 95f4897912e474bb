"""What happens to the driver of a host: every row is a machine, and the sentence its user reads.

Each machine is laid out in files (/sys, /proc, dpkg's status, a modinfo and a mokutil that answer for it), and the real
module nvidia_probe looks at them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.annotation.server.plugins.module_utils import (
    nvidia_devices,
    nvidia_driver,
    nvidia_packages,
    nvidia_reboot,
)
from nvidia_machine import (
    ADA,
    AMPERE,
    BLACKWELL,
    DEBIAN_535,
    DEBIAN_550,
    FUTURE,
    HOPPER,
    KEPLER,
    MAXWELL,
    NVIDIA_580,
    PASCAL,
    TURING,
    UBUNTU_580,
    UBUNTU_595,
    VOLTA,
    WISH,
    Probe,
    U,
    cards,
    host,
    module,
    runs,
)


@pytest.fixture
def probe(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Probe:
    """Has nvidia_probe look at a machine."""
    return Probe(tmp_path, capsys, monkeypatch)


CASES: list[tuple[str, dict[str, Any], dict[str, Any], str, str, str, int, str]] = [
    # name, host, wish, action, source, modules, branch, part of the sentence
    ("ubuntu 24.04, ada", host("ubuntu 24.04", ADA), {}, "install", "distribution", "open", 580,
     "which NVIDIA recommends"),
    ("ubuntu 22.04, turing", host("ubuntu 22.04", TURING), {}, "install", "distribution", "open", 580, "branch 580"),
    ("ubuntu, pascal", host("ubuntu 24.04", PASCAL), {}, "install", "distribution", "proprietary", 580, "needs them"),
    ("ubuntu, volta", host("ubuntu 24.04", VOLTA), {}, "install", "distribution", "proprietary", 580,
     "Volta (0000:01:00.0)"),
    ("ubuntu, maxwell", host("ubuntu 22.04", MAXWELL), {}, "install", "distribution", "proprietary", 580, "Maxwell"),
    ("ubuntu, blackwell", host("ubuntu 24.04", BLACKWELL), {}, "install", "distribution", "open", 580, "Blackwell"),
    ("ubuntu, hopper", host("ubuntu 24.04", HOPPER, HOPPER), {}, "install", "distribution", "open", 580, "Hopper"),
    ("a card newer than the list", host("ubuntu 24.04", FUTURE), {}, "install", "distribution", "open", 580,
     "newer than this"),
    ("kepler", host("ubuntu 24.04", KEPLER), {}, "refuse", "", "", 0,
     "No driver of branch 580 supports Kepler or older"),
    ("pascal beside ada", host("ubuntu 24.04", PASCAL, ADA), {}, "install", "distribution", "proprietary", 580,
     "Pascal"),
    ("pascal beside blackwell", host("ubuntu 24.04", PASCAL, BLACKWELL), {}, "refuse", "", "", 0,
     "loads one kind only"),
    ("open for pascal", host("ubuntu 24.04", PASCAL), {"modules": "open"}, "refuse", "", "", 0,
     "do not support Pascal"),
    ("proprietary for blackwell", host("ubuntu 24.04", BLACKWELL), {"modules": "proprietary"}, "refuse", "", "", 0,
     "do not support Blackwell"),
    ("proprietary by wish", host("ubuntu 24.04", ADA), {"modules": "proprietary"}, "install", "distribution",
     "proprietary", 580,
     "because nvidia_driver_modules says so"),
    ("595 for pascal", host("ubuntu 24.04", PASCAL), {"branch": "595"}, "refuse", "", "", 0,
     "Branch 580 is the last one"),
    ("595 by wish", host("ubuntu 24.04", ADA), {"branch": "595"}, "install", "distribution", "open", 595, "branch 595"),
    ("550 on ubuntu is 580", host("ubuntu 24.04", ADA), {"branch": "550"}, "install", "distribution", "open", 580,
     "branch 580"),
    ("a branch ubuntu never had", host("ubuntu 24.04", ADA), {"branch": "600", "source": "distribution"}, "refuse", "",
     "", 0,
     "Ubuntu has the branches 580, 595, 615"),
    ("ubuntu with nvidia's repository", host("ubuntu 24.04", ADA), {"source": "nvidia"}, "install", "nvidia", "open",
     580,
     "from NVIDIA's repository"),
    ("a kernel that is not ubuntu's", host("ubuntu 24.04", ADA, system={"kernel": "6.18.1-custom"}), {}, "refuse", "",
     "", 0,
     "no prebuilt modules for the kernel 6.18.1-custom"),
    ("ubuntu 20.04", host("ubuntu 20.04", ADA), {}, "refuse", "", "", 0, "past its support"),
    ("debian 12", host("debian 12", ADA), {}, "install", "distribution", "proprietary", 535, "branch 535 from Debian"),
    ("debian 12, pascal", host("debian 12", PASCAL), {}, "install", "distribution", "proprietary", 535, "Pascal"),
    ("debian 12, blackwell", host("debian 12", BLACKWELL), {}, "refuse", "", "", 0, "upgrade the host to Debian 13"),
    ("debian 12, 580", host("debian 12", ADA), {"branch": "580"}, "refuse", "", "", 0, "need dkms 3.1.8"),
    ("debian 12, 580, newer dkms", host("debian 12", ADA, packages={"dkms": "3.2.2-1~bpo12+1"}), {"branch": "580"},
     "install",
     "nvidia", "open", 580, "from NVIDIA's repository"),
    ("debian 12, 550 from nvidia", host("debian 12", ADA), {"branch": "550", "source": "nvidia"}, "install", "nvidia",
     "proprietary", 550, "branch 550 from NVIDIA"),
    ("debian 13", host("debian 13", ADA), {}, "install", "nvidia", "open", 580, "from NVIDIA's repository"),
    ("debian 13, pascal", host("debian 13", PASCAL), {}, "install", "nvidia", "proprietary", 580, "Pascal"),
    ("debian 13, its own", host("debian 13", ADA), {"source": "distribution"}, "install", "distribution",
     "proprietary", 550,
     "branch 550 from Debian"),
    ("debian 13, 550", host("debian 13", ADA), {"branch": "550"}, "install", "distribution", "proprietary", 550,
     "branch 550"),
    ("debian 13, its own as 580", host("debian 13", ADA), {"branch": "580", "source": "distribution"}, "refuse", "",
     "", 0,
     "has branch 550 and no other"),
    ("debian 13, its own for blackwell", host("debian 13", BLACKWELL), {"source": "distribution"}, "refuse", "", "", 0,
     "needs branch 570 or newer"),
    ("no device", host("debian 13"), {}, "skip", "", "", 0, "no NVIDIA device"),
    ("kept for a virtual machine", host("debian 13", devices=cards(ADA, bound="vfio-pci")), {}, "skip", "", "", 0,
     "vfio-pci"),
    ("one kept, one ours",
     host("ubuntu 24.04", devices=cards(PASCAL, bound="vfio-pci") + cards(PASCAL, BLACKWELL)[1:]), {},
     "install",
     "distribution", "open", 580, "Blackwell"),
    ("inside a virtual machine", host("ubuntu 24.04", system={"name": "Ubuntu 24.04 LTS"}, devices=cards(AMPERE)), {},
     "install",
     "distribution", "open", 580, "Ampere"),
    ("wsl with a gpu", host("ubuntu 24.04", system={"wsl": 2}, wsl_library=True), {}, "skip", "", "", 0,
     "comes from Windows"),
    ("wsl without one", host("ubuntu 24.04", system={"wsl": 2}), {}, "refuse", "", "", 0, "in Windows"),
    (".run file", host("ubuntu 24.04", ADA, runfile=True, **runs("570.10")), {}, "refuse", "", "", 0,
     "nvidia-uninstall"),
    (".run file, kept", host("ubuntu 24.04", ADA, runfile=True, **runs("570.10")), {"source": "none"}, "keep", "", "",
     570,
     "left as it is"),
    ("none, and nothing there", host("ubuntu 24.04", ADA), {"source": "none"}, "refuse", "", "", 0,
     "no driver is there"),
    ("none, too old", host("ubuntu 24.04", ADA, **runs("470.1")), {"source": "none"}, "refuse", "", "", 0,
     "525.60.13 is needed"),
    ("secure boot on ubuntu", host("ubuntu 24.04", ADA, secure_boot="on"), {}, "install", "distribution", "open", 580,
     "Secure Boot is on, and these modules come signed"),
    ("secure boot, ubuntu with nvidia's", host("ubuntu 24.04", ADA, secure_boot="on"), {"source": "nvidia"}, "refuse",
     "", "", 0,
     "Set nvidia_driver_source: distribution"),
    ("secure boot on debian", host("debian 13", ADA, secure_boot="on"), {}, "refuse", "", "", 0, "mokutil --import"),
    ("secure boot, key enrolled", host("debian 13", ADA, secure_boot="on", mok_enrolled=True), {}, "install", "nvidia",
     "open",
     580, "its firmware knows the key"),
    ("secure boot, by wish", host("debian 13", ADA, secure_boot="on"), {"secure_boot_ok": True}, "install", "nvidia",
     "open", 580,
     "nvidia_driver_secure_boot_ok says"),
    ("ubuntu, there already", host("ubuntu 24.04", ADA, packages=UBUNTU_580, **runs("580.95.05")), {}, "keep",
     "distribution",
     "open", 580, "580.95.05 is installed"),
    ("ubuntu, a desktop's newer one", host("ubuntu 24.04", ADA, packages=UBUNTU_595, **runs("595.10")), {}, "keep",
     "distribution", "open", 595, "595.10 is installed"),
    ("ubuntu, wanted by its number", host("ubuntu 24.04", ADA, packages=UBUNTU_580, **runs("580.95.05")),
     {"branch": "580"},
     "keep", "distribution", "open", 580, "580.95.05 is installed"),
    ("upgrade of the branch", host("ubuntu 24.04", ADA, packages=UBUNTU_580, **runs("580.95.05")), {"branch": "595"},
     "replace",
     "distribution", "open", 595, "will replace 580"),
    ("downgrade", host("ubuntu 24.04", ADA, packages=UBUNTU_595, **runs("595.10")), {"branch": "580"}, "refuse", "",
     "", 0,
     "not taken back"),
    ("debian 12, there already", host("debian 12", ADA, packages=DEBIAN_535, **runs("535.261.03", "proprietary")), {},
     "keep",
     "distribution", "proprietary", 535, "535.261.03 is installed"),
    ("debian 13's own is kept", host("debian 13", ADA, packages=DEBIAN_550, **runs("550.163.01", "proprietary")), {},
     "keep",
     "distribution", "proprietary", 550, "550.163.01 is installed"),
    ("debian 13's own to 580", host("debian 13", ADA, packages=DEBIAN_550, **runs("550.163.01", "proprietary")),
     {"branch": "580"}, "replace", "nvidia", "open", 580, "will replace 550"),
    ("debian 13, nvidia's there", host("debian 13", ADA, packages=NVIDIA_580, **runs("580.95.05")), {}, "keep",
     "nvidia", "open",
     580, "580.95.05 is installed"),
    ("wrong modules", host("ubuntu 24.04", BLACKWELL, packages=UBUNTU_580, **runs("580.95.05", "proprietary")), {},
     "replace",
     "distribution", "open", 580, "will be repaired"),
    ("other modules that work too", host("ubuntu 24.04", ADA, packages=UBUNTU_580, **runs("580.95.05", "proprietary")),
     {},
     "keep", "distribution", "proprietary", 580, "work with these devices too"),
    ("libraries of another version than the module", host("ubuntu 24.04", ADA, packages=UBUNTU_580,
     **runs("580.82.07")), {},
     "replace", "distribution", "open", 580, "will be repaired"),
    ("no module for this kernel", host("debian 13", ADA, packages=NVIDIA_580, smi=True), {}, "replace", "nvidia",
     "open", 580,
     "will be repaired"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("machine", "wish", "action", "source", "modules", "branch", "says"),
    [case[1:] for case in CASES],
    ids=[case[0] for case in CASES],
)
def test_plan(
    probe: Probe,
    machine: dict[str, Any],
    wish: dict[str, Any],
    action: str,
    source: str,
    modules: str,
    branch: int,
    says: str,
) -> None:
    found = nvidia_driver.plan(probe(machine), {**WISH, **wish})
    assert says and says in " ".join([found["reason"], *found["notes"]])
    assert (found["action"], found["source"], found["modules"], found["branch"]) == (action, source, modules, branch), (
        found
    )
    assert found["reason"].endswith(".")
    assert bool(found["packages"]) == (action in ("install", "replace"))
    if action == "refuse":
        assert found["reason"].endswith("Nothing was changed.")


def test_a_transitional_name_is_explained() -> None:
    found = nvidia_driver.plan(host("ubuntu 24.04", ADA), {**WISH, "branch": "550"})
    assert found["notes"] == ["On Ubuntu 550 is only a name for an empty package that brings branch 580; 580 is taken."]


@pytest.mark.parametrize(
    ("release", "wish", "installed", "packages", "folder"),
    [
        ("ubuntu 24.04", {}, {}, [
            "linux-modules-nvidia-580-server-open-generic", "nvidia-headless-no-dkms-580-server-open",
            "nvidia-utils-580-server", "libnvidia-encode-580-server", "libnvidia-decode-580-server",
            "linux-modules-nvidia-580-server-open-6.8.0-85-generic"], ""),
        ("ubuntu 22.04", {"modules": "proprietary"}, {"linux-image-generic-hwe-22.04": "6.8"}, [
            "linux-modules-nvidia-580-server-generic-hwe-22.04", "nvidia-headless-no-dkms-580-server",
            "nvidia-utils-580-server", "libnvidia-encode-580-server", "libnvidia-decode-580-server",
            "linux-modules-nvidia-580-server-6.8.0-85-generic"], ""),
        ("ubuntu 24.04", {"source": "nvidia"}, {}, [
            "nvidia-driver-pinning-580", "nvidia-open", "linux-headers-6.8.0-85-generic", "linux-headers-generic"],
            "ubuntu2404"),
        ("debian 13", {}, {}, [
            "nvidia-driver-pinning-580", "nvidia-driver-cuda", "nvidia-kernel-open-dkms",
            "nvidia-persistenced", "linux-headers-6.12.48+deb13-amd64", "linux-headers-amd64"], "debian13"),
        ("debian 13", {"modules": "proprietary"}, {}, [
            "nvidia-driver-pinning-580", "nvidia-driver-cuda", "nvidia-kernel-dkms",
            "nvidia-persistenced", "linux-headers-6.12.48+deb13-amd64", "linux-headers-amd64"], "debian13"),
        ("debian 12", {}, {}, [
            "nvidia-kernel-dkms", "nvidia-smi", "nvidia-persistenced", "libcuda1",
            "libnvidia-cfg1",
            "libnvidia-encode1", "libnvcuvid1", "linux-headers-6.1.0-40-amd64", "linux-headers-amd64"], ""),
    ],
)  # fmt: skip
def test_packages(
    release: str, wish: dict[str, str], installed: dict[str, str], packages: list[str], folder: str
) -> None:
    found = nvidia_driver.plan(host(release, ADA, packages=installed), {**WISH, **wish})
    assert found["packages"] + found["kernel_packages"] == packages
    assert found["folder"] == folder


THIS, NEXT, LAST = "6.8.0-85-generic", "6.8.0-90-generic", "6.8.0-79-generic"
REBOOTS: list[tuple[str, dict[str, Any], str, str]] = [
    # name, host, action, part of the sentence
    ("runs", host(U, ADA, loaded="580.1", loaded_kind="open", module=module("580.1")), "nothing",
     "The driver 580.1 runs"),
    ("installed, not loaded", host(U, ADA, module=module("580.1")), "modprobe", "is loaded now"),
    ("installed, nouveau holds the card", host(U, ADA, module=module("580.1"), nouveau=True), "reboot",
     "nouveau holds"),
    ("another version runs", host(U, ADA, loaded="580.1", loaded_kind="open", module=module("580.2")), "reboot",
     "Driver/library version mismatch"),
    ("unattended upgrade of the libraries", host(U, ADA, loaded="580.95.05", module=module("580.105.08")), "reboot",
     "580.95.05 runs, and 580.105.08 is installed"),
    ("libraries without their module", host(U, ADA, packages=UBUNTU_580, loaded="580.82.07",
     module=module("580.82.07")),
     "cannot", "its libraries are of 580.95.05"),
    ("libraries, and a newer kernel", host(U, ADA, packages=UBUNTU_580, loaded="580.82.07", module=module("580.82.07"),
     kernels=[THIS, NEXT]), "reboot", "a newer kernel that has a module"),
    ("libraries and module agree", host(U, ADA, packages=UBUNTU_580, loaded="580.95.05", module=module("580.95.05")),
     "nothing",
     "runs"),
    ("another branch runs", host(U, ADA, loaded="550.9", module=module("580.1")), "reboot", "550.9 runs"),
    ("the other kind runs", host(U, BLACKWELL, loaded="580.1", loaded_kind="proprietary", module=module("580.1")),
     "reboot",
     "The proprietary kernel modules"),
    ("kind unknown", host(U, ADA, loaded="580.1", module=module("580.1")), "nothing", "runs"),
    ("no module at all", host(U, ADA), "cannot", "no NVIDIA module for the running kernel 6.8.0-85-generic"),
    ("module for a newer kernel", host(U, ADA, kernels=[NEXT]), "reboot", "which the next boot starts"),
    ("module for an older kernel", host(U, ADA, kernels=[LAST]), "cannot", "install the headers of 6.8.0-85-generic"),
    ("runs, its module gone", host(U, ADA, loaded="580.1"), "cannot", "before the next boot"),
    ("runs, its module gone, there for the next", host(U, ADA, loaded="580.1", kernels=[NEXT]), "reboot", NEXT),
    ("secure boot, signed", host(U, ADA, module=module("580.1"), secure_boot="on"), "modprobe", "loaded now"),
    ("secure boot, not signed", host(U, ADA, module=module("580.1", signer=""), secure_boot="on"), "cannot",
     "not signed"),
    ("secure boot, not signed, nouveau", host(U, ADA, module=module("580.1", signer=""), secure_boot="on",
     nouveau=True),
     "cannot", "not signed"),
    ("secure boot, runs", host(U, ADA, loaded="580.1", module=module("580.1", signer=""), secure_boot="on"), "nothing",
     "runs"),
    ("no secure boot, not signed", host(U, ADA, module=module("580.1", signer="")), "modprobe", "loaded now"),
    ("secure boot unknown", host(U, ADA, module=module("580.1", signer=""), secure_boot="unknown"), "modprobe",
     "loaded now"),
    ("several cards", host(U, ADA, AMPERE, loaded="580.1", module=module("580.1")), "nothing", "runs"),
    ("wsl", host(U, system={"wsl": 2}, wsl_library=True), "nothing", "comes from Windows"),
    ("debian 12 after its kernel's upgrade", host("debian 12", ADA, kernels=["6.1.0-41-amd64"]), "reboot",
     "6.1.0-41-amd64"),
    ("debian 13, built by dkms", host("debian 13", ADA, module=module("580.1", signer="DKMS module signing key")),
     "modprobe",
     "loaded now"),
    ("debian 13, failed to build", host("debian 13", ADA), "cannot", "dkms status"),
    ("nouveau and the driver run both", host(U, ADA, loaded="580.1", module=module("580.1"), nouveau=True), "nothing",
     "runs"),
    ("a virtual machine with a passed card", host("debian 13", AMPERE, module=module("580.1")), "modprobe",
     "loaded now"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("machine", "action", "says"), [case[1:] for case in REBOOTS], ids=[case[0] for case in REBOOTS]
)
def test_reboot(probe: Probe, machine: dict[str, Any], action: str, says: str) -> None:
    found = nvidia_reboot.reboot(probe(machine))
    assert (found["action"], says in found["reason"]) == (action, True), found
    assert found["reason"].endswith(".")


@pytest.mark.parametrize(
    ("machine", "says"),
    [
        (host(U, ADA), "No reboot would be needed"),
        (host(U, ADA, nouveau=True), "nouveau holds the card"),
        (
            host(U, ADA, packages=UBUNTU_580, loaded="580.1", module=module("580.1", kind="proprietary")),
            "A reboot would",
        ),
        (host(U, ADA, packages=UBUNTU_580, **runs("580.95.05")), "The driver 580.95.05 runs."),
        (host(U), ""),
    ],
)
def test_foretell(probe: Probe, machine: dict[str, Any], says: str) -> None:
    seen = probe(machine)
    assert says in nvidia_reboot.foretell(nvidia_driver.plan(seen, WISH), seen)


@pytest.mark.parametrize(
    ("device", "name"),
    [
        ("0x102d", "Kepler or older"), ("0x0611", "Kepler or older"), ("0x1340", "Maxwell"), ("0x17c8", "Maxwell"),
        ("0x15f8", "Pascal"), ("0x1b06", "Pascal"), ("0x1d01", "Pascal"), ("0x1db5", "Volta"), ("0x1e04", "Turing"),
        ("0x1f82", "Turing"), ("0x2184", "Turing"), ("0x20b2", "Ampere"), ("0x2204", "Ampere"), ("0x2331", "Hopper"),
        ("0x2484", "Ampere"), ("0x25b6", "Ampere"), ("0x26b5", "Ada"), ("0x2882", "Ada"), ("0x2901", "Blackwell"),
        ("0x2d04", "Blackwell"), ("0x3182", "Blackwell"), ("0x3400", "newer than this list"),
    ],
)  # fmt: skip
def test_architecture(device: str, name: str) -> None:
    assert nvidia_devices.architecture(device) == name


@pytest.mark.parametrize(
    ("kernel", "flavour"),
    [("6.8.0-45-generic", "generic"), ("5.15.0-1070-aws", "aws"), ("6.12.48+deb13-amd64", "amd64"),
     ("6.1.0-40-cloud-amd64", "cloud-amd64"), ("6.12.0", ""), ("6.14.0-1010-gcp", "gcp")],
)  # fmt: skip
def test_kernel_flavour(kernel: str, flavour: str) -> None:
    assert nvidia_packages.kernel_flavour(kernel) == flavour


def test_what_is_kept_together(probe: Probe) -> None:
    installed = dict.fromkeys(
        [
            "nvidia-utils-580-server", "libnvidia-compute-580-server", "linux-modules-nvidia-580-server-open-generic",
            "linux-generic", "linux-image-generic-hwe-22.04", "linux-headers-generic", "linux-image-amd64", "libcuda1",
            "linux-nvidia-hwe-24.04", "linux-kvm", "linux-image-ibm", "linux-image-cloud-amd64",
            "linux-virtual-hwe-22.04-edge",
            "nvidia-persistenced", "firmware-nvidia-gsp", "cuda-drivers", "nvidia-driver-pinning-580",
            "nvidia-container-toolkit", "libnvidia-container1", "linux-image-6.8.0-85-generic", "docker.io", "dkms",
            "cuda-toolkit-12-8", "nvidia-cuda-toolkit", "linux-libc-dev", "linux-base",
        ],
        "1",
    )  # fmt: skip
    seen = probe(host(U, ADA, packages=installed))["packages"]
    kept = nvidia_packages.keep_together(seen, with_kernel=True)
    left = set(installed) - set(kept)
    assert left == {
        "nvidia-container-toolkit", "libnvidia-container1", "linux-image-6.8.0-85-generic", "docker.io", "dkms",
        "cuda-toolkit-12-8", "nvidia-cuda-toolkit", "linux-libc-dev", "linux-base",
    }  # fmt: skip
    assert "linux-generic" not in nvidia_packages.keep_together(installed, with_kernel=False)


@pytest.mark.parametrize(
    ("unit", "exec_start", "wanted_by"),
    [
        ("[Service]\nExecStart=/usr/bin/nvidia-persistenced --user nvidia-persistenced --no-persistence-mode\n",
         "/usr/bin/nvidia-persistenced --user nvidia-persistenced --persistence-mode", "multi-user.target"),
        ("[Service]\nExecStart=/usr/bin/nvidia-persistenced --user nvpd\n[Install]\nWantedBy=multi-user.target\n", "",
         ""),
        ("", "", "multi-user.target"),
    ],
)  # fmt: skip
def test_persistence_daemon(unit: str, exec_start: str, wanted_by: str) -> None:
    assert nvidia_driver.persistence(unit) == {"exec_start": exec_start, "wanted_by": wanted_by}


def every_host_and_wish() -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """All combinations of release, card, source, branch, kind and installed driver."""
    cards_ = (KEPLER, MAXWELL, PASCAL, VOLTA, TURING, AMPERE, ADA, HOPPER, BLACKWELL, FUTURE)
    there: tuple[dict[str, str], ...] = ({}, UBUNTU_580, DEBIAN_550, NVIDIA_580)
    return [
        (
            host(release, card, packages=installed, smi=bool(installed)),
            {**WISH, "source": source, "branch": branch, "modules": kind},
        )
        for release in ("ubuntu 22.04", "ubuntu 24.04", "debian 12", "debian 13")
        for card in cards_
        for source in ("auto", "distribution", "nvidia", "none")
        for branch in ("", "535", "550", "570", "580", "595")
        for kind in ("auto", "open", "proprietary")
        for installed in there
    ]


def test_no_combination_gets_what_cannot_work() -> None:
    for machine, wish in every_host_and_wish():
        found = nvidia_driver.plan(machine, wish)
        said = (machine["system"]["name"], machine["devices"], wish, found)
        assert found["reason"].endswith("."), said
        if found["action"] not in ("install", "replace"):
            continue
        name = nvidia_devices.architecture(machine["devices"][0]["device"])
        assert name not in nvidia_devices.TOO_OLD, said
        assert found["modules"] == "proprietary" or name not in nvidia_devices.PROPRIETARY_ONLY, said
        assert found["modules"] == "open" or name not in nvidia_devices.OPEN_ONLY, said
        assert found["branch"] >= nvidia_packages.installed_branch(machine["packages"]), said
        assert found["branch"] <= 580 or name not in nvidia_devices.PROPRIETARY_ONLY, said
        assert bool(found["folder"]) == (found["source"] == "nvidia"), said
        assert not any("None" in each or "--" in each for each in found["packages"] + found["kernel_packages"]), said
