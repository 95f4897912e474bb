"""The distribution's own driver, which calls its module nvidia-current, beside NVIDIA's container toolkit and CUDA."""

from __future__ import annotations

import re


def test_debians_driver_runs(host) -> None:
    assert host.file("/sys/module/nvidia/version").content_string.strip() == "535.261.03"
    assert "Open" not in host.file("/proc/driver/nvidia/version").content_string
    assert host.check_output("nvidia-smi -L").startswith("GPU 0:")


def test_debians_components_are_known_with_debians_key(host) -> None:
    entry = host.file("/etc/apt/sources.list.d/annotation-server-debian.sources").content_string
    assert "URIs: file:/srv/nvidia/debian" in entry
    assert "Components: contrib non-free non-free-firmware" in entry
    assert "Signed-By: /srv/nvidia/key.asc" in entry


def test_nvidia_s_repository_gives_cuda_and_never_the_driver(host) -> None:
    assert "release 12.8" in host.check_output("bash --login -c 'nvcc -V'")
    assert "Candidate: (none)" in host.check_output("apt-cache policy nvidia-driver-cuda")
    assert "nvidia" not in host.check_output("apt-get --simulate dist-upgrade")


def test_the_container_toolkit_is_there_before_docker(host) -> None:
    assert host.package("nvidia-container-toolkit").version == "1.20.0-1"
    assert not host.exists("docker")


def test_unattended_upgrades_leave_it_alone(host) -> None:
    dump = host.check_output("apt-config dump Unattended-Upgrade::Package-Blacklist")
    patterns = re.findall(r'^Unattended-Upgrade::Package-Blacklist:: "(.+)";$', dump, flags=re.MULTILINE)

    def kept(name: str) -> bool:  # as unattended-upgrades does it
        return any(re.match(pattern, name) for pattern in patterns)

    installed = host.check_output("dpkg-query --show --showformat '${Package}\\n' '*nvidia*' 'libcuda*'").split()
    driver = [name for name in installed if "container" not in name]
    assert len(driver) > 5 and all(kept(name) for name in [*driver, "linux-image-amd64", "linux-headers-amd64"])
    others = ("nvidia-container-toolkit", "openssl", "linux-libc-dev", "cuda-toolkit-12-8")
    assert not any(kept(name) for name in others)
    assert host.check_output("apt-mark showhold") == ""


def test_an_ordinary_user_did_it_with_sudo(host) -> None:
    asked = host.check_output("journalctl --identifier sudo --output cat")
    assert "operator : " in asked and "USER=root ; COMMAND=/bin/sh" in asked
