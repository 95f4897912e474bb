"""Packages of a bundle: sources, index, what is fetched for which server. apt itself works in the scenario offline."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.annotation.server.plugins.filter.docker_engine import docker_engine_plan
from ansible_collections.annotation.server.plugins.module_utils import (
    bundle_packages,
    nvidia_driver,
    nvidia_packages,
    nvidia_stage,
)
from ansible_collections.annotation.server.plugins.modules import bundle_packages as module

UBUNTU = {
    "/etc/apt/sources.list.d/ubuntu.sources": """
Types: deb
URIs: http://archive.ubuntu.com/ubuntu
Suites: noble noble-updates noble-backports
Components: main universe restricted multiverse
Signed-By: /usr/share/keyrings/ubuntu-archive-keyring.gpg

Types: deb
URIs: http://security.ubuntu.com/ubuntu
Suites: noble-security
Components: main universe
Signed-By: /usr/share/keyrings/ubuntu-archive-keyring.gpg
""",
    "/etc/apt/sources.list.d/docker.list": "deb [signed-by=/k] https://download.docker.com/linux/ubuntu noble stable\n",
}
DEBIAN = {"/etc/apt/sources.list": "deb http://d.org/debian bookworm main\ndeb http://s.org/s bookworm-security main\n"}


def test_a_machine_s_own_sources_without_those_of_others() -> None:
    found = bundle_packages.distribution(UBUNTU, "noble")
    assert len(found) == 2
    assert "Suites: noble noble-updates\n" in found[0] and "noble-backports" not in "".join(found)
    assert "Suites: noble-security\n" in found[1]
    assert "docker" not in "".join(found)


def test_components_that_a_machine_does_not_use() -> None:
    found = bundle_packages.distribution(DEBIAN, "bookworm", ["contrib", "non-free"])
    assert all("Components: main contrib non-free\n" in each and "Signed-By" not in each for each in found)


def test_a_source_of_its_own_names_the_key_that_came_along() -> None:
    told = bundle_packages.stanza(["https://n.com/x86_64/"], ["/"], [], "{keys}/nvidia-cuda.asc")
    assert "Suites: /\n" in told and "Components" not in told and "Signed-By: {keys}/nvidia-cuda.asc\n" in told


def test_pins_become_preferences() -> None:
    told = module.pins([{"packages": ["a", "b*"], "pin": "version 580.*", "priority": 900}])
    assert told == "Package: a b*\nPin: version 580.*\nPin-Priority: 900\n"


@pytest.mark.parametrize(
    ("file", "name", "version"),
    [
        ("runc_1.1.15%2bds1-2_amd64.deb", "runc", "1.1.15+ds1-2"),
        ("docker-ce_5%3a29.0.1-1~debian.13~trixie_amd64.deb", "docker-ce", "5:29.0.1-1~debian.13~trixie"),
    ],
)
def test_files_tell_their_version(file: str, name: str, version: str) -> None:
    assert bundle_packages.describe([Path(file)]) == {name: version}


def test_the_folder_becomes_the_repository_of_these_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle_packages, "control", lambda path: f"Package: {path.name.split('_')[0]}\nDepends: c\n")
    archives, folder = tmp_path / "archives", tmp_path / "packages"
    archives.mkdir()
    names = ["a_1%3a2_amd64.deb", "b_1_all.deb"]
    for name in names:
        (archives / name).write_text(name)
    folder.mkdir()
    (folder / "old_1_all.deb").write_text("")
    assert bundle_packages.write(folder, [archives / name for name in names])
    index = (folder / "Packages").read_text()
    assert sorted(path.name for path in folder.iterdir()) == ["Packages", "Release", "a_1-2_amd64.deb", "b_1_all.deb"]
    total = hashlib.sha256(names[0].encode()).hexdigest()
    assert f"Package: a\nDepends: c\nFilename: ./a_1-2_amd64.deb\nSize: 17\nSHA256: {total}\n" in index
    assert hashlib.sha256(index.encode()).hexdigest() in (folder / "Release").read_text()
    assert not bundle_packages.write(folder, [archives / name for name in names])


def system(release: str, kernel: str) -> dict[str, Any]:
    name, _, version = release.partition("-")
    codename = {"13": "trixie", "12": "bookworm", "24.04": "noble", "22.04": "jammy"}[version]
    return {"id": name, "version": version, "codename": codename, "name": release, "kernel": kernel, "wsl": 0}


def machine(release: str, kernel: str) -> dict[str, Any]:
    """A server with an RTX 4090 and no driver, as nvidia_probe describes it."""
    return {
        "system": system(release, kernel),
        "devices": [{"slot": "0000:01:00.0", "vendor": "10de", "device": "2684", "class": "0x030000", "bound": ""}],
        "wsl_library": False, "secure_boot": "off", "mok_enrolled": False, "runfile": False, "loaded": "", "smi": False,
        "module": {"version": "", "kind": "", "signer": ""}, "packages": {}, "held": [], "kernels": [],
        "sources": {"uris": ["http://d"], "components": ["main"]}, "cuda": {"nvcc": "", "release": "", "version": ""},
    }  # fmt: skip


WISH = {"source": "auto", "branch": "", "modules": "auto", "minimum": "525.60.13", "secure_boot_ok": False}


@pytest.mark.parametrize(
    ("release", "kernel", "packages", "for_kernel", "folder"),
    [
        (
            "ubuntu-24.04",
            "6.8.0-85-generic",
            {"nvidia-headless-no-dkms-580-server-open", "nvidia-utils-580-server"},
            {"linux-modules-nvidia-580-server-open-6.8.0-85-generic"},
            "",
        ),
        (
            "debian-13",
            "6.12.48+deb13-amd64",
            {"nvidia-driver-cuda", "nvidia-kernel-open-dkms", "nvidia-driver-pinning-580"},
            {"linux-headers-6.12.48+deb13-amd64", "linux-headers-amd64"},
            "debian13",
        ),
    ],
)
def test_the_driver_for_a_described_server(
    release: str, kernel: str, packages: set[str], for_kernel: set[str], folder: str
) -> None:
    """What tasks/fetches.yml of the role nvidia_driver names; NVIDIA's packages themselves were not fetched."""
    plan = nvidia_driver.plan(machine(release, kernel), WISH)
    assert packages <= set(plan["packages"]), plan
    assert for_kernel <= set(plan["kernel_packages"])
    assert plan["folder"] == folder
    assert folder in ("", nvidia_packages.FOLDERS[tuple(release.split("-"))])  # type: ignore[index]


def test_toolkit_and_cuda_for_a_described_server() -> None:
    server = machine("ubuntu-24.04", "6.8.0-85-generic")
    assert "nvidia-container-toolkit=1.20.0-1" in nvidia_stage.toolkit(server, {"version": "1.20.0"})["packages"]
    cuda = nvidia_stage.cuda(server, {"version": "", "source": "auto"})
    assert (cuda["packages"], cuda["folder"]) == (["cuda-toolkit-12-8"], "ubuntu2404")


@pytest.mark.parametrize(
    ("release", "source", "packages", "repository"),
    [
        ("ubuntu-22.04", "docker", ["docker-ce", "docker-ce-cli", "containerd.io"], True),
        ("ubuntu-24.04", "distribution", ["docker.io", "docker-compose-v2"], False),
        ("debian-12", "docker", ["docker-ce", "docker-compose-plugin"], True),
    ],
)
def test_docker_for_a_server_that_has_none(release: str, source: str, packages: list[str], repository: bool) -> None:
    bare = {"system": system(release, ""), "docker": {"engine": "", "compose": ""}, "packages": {"installed": {}}}
    wish = {
        "source": source,
        "version": "",
        "minimum": "23.0.0",
        "compose_minimum": "2.24.4",
        "replace_ok": False,
    }
    plan = docker_engine_plan(bare, wish)
    assert set(packages) <= set(plan["packages"])
    assert plan["repository"] is repository
