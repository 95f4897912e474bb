"""The driver as the container toolkit will find it, after a change of its branch and a reboot."""

from __future__ import annotations


def test_the_driver_of_the_wanted_branch_runs(host) -> None:
    assert host.file("/sys/module/nvidia/version").content_string.strip() == "595.10.01"
    assert "Open Kernel Module" in host.file("/proc/driver/nvidia/version").content_string
    assert host.check_output("nvidia-smi -L").startswith("GPU 0:")


def test_the_host_was_rebooted_for_it(host) -> None:
    assert not host.file("/run/before-the-reboot").exists


def test_nouveau_stays_away(host) -> None:
    assert "blacklist nouveau" in host.check_output("modprobe --showconfig")


def test_what_belongs_together_is_on_hold(host) -> None:
    held = set(host.check_output("apt-mark showhold").split())
    assert {"libcuda1", "nvidia-driver-cuda", "nvidia-kernel-open-dkms", "nvidia-persistenced"} <= held
    assert {"linux-image-amd64", "nvidia-driver-550"} <= held
    assert "nvidia-cuda-toolkit" not in held
    assert not host.file("/etc/apt/apt.conf.d/52annotation-server-nvidia").exists


def test_only_this_branch_comes_from_the_repository(host) -> None:
    policy = host.check_output("apt-cache policy nvidia-driver-cuda")
    assert "Candidate: 595.10.01-1" in policy
    assert " 100" in host.check_output("apt-cache policy cuda-toolkit")


def test_the_repository_is_named_once_with_its_own_key(host) -> None:
    assert not host.file("/etc/apt/sources.list.d/cuda-debian13-x86_64.list").exists
    entry = host.file("/etc/apt/sources.list.d/nvidia-cuda.sources").content_string
    assert "URIs: file:/srv/nvidia/cuda/debian13/x86_64/" in entry
    assert "Signed-By: /etc/apt/keyrings/nvidia-cuda.asc" in entry


def test_the_persistence_daemon_is_on_and_comes_at_boot(host) -> None:
    service = host.service("nvidia-persistenced")
    assert service.is_running and service.is_enabled
    command = host.check_output("systemctl show --property=ExecStart nvidia-persistenced")
    assert "--persistence-mode" in command and "--no-persistence-mode" not in command


def test_an_empty_package_of_an_older_name_follows_the_driver(host) -> None:
    assert host.package("nvidia-driver-550").version == "595.10.01-1"


def test_debians_own_cuda_is_beside_it(host) -> None:
    assert "release 12.4" in host.check_output("bash --login -c 'nvcc -V'")
    assert host.check_output("bash --login -c 'command -v nvcc'") == "/usr/bin/nvcc"
    assert not host.file("/etc/profile.d/annotation-server-cuda.sh").exists
    assert "Candidate: 595.10.01-1" in host.check_output("apt-cache policy libcuda1")
